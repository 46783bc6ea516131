#pragma once

#include <cstdint>
#include <string>

/// Numbers as people read them. Pure functions.
namespace kvmesh::command {

/// 61234 as "61,234".
std::string grouped(std::uint64_t number);

/// A number with so many digits behind the point: decimal(2.14, 1) is "2.1".
std::string decimal(double number, int digits);

/// 1536 as "1.5 KiB"; below 1024 as "17 B".
std::string byte_count(std::uint64_t bytes);

}  // namespace kvmesh::command
