#include "node/modules/kv_here.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/text.h"
#include "node/core/check_permit.h"
#include "node/modules/arguments.h"

namespace kvmesh::modules {
namespace {

using core::Call;

constexpr std::array kFunctions = {
    &functions::kKvApply, &functions::kKvCount, &functions::kKvCreate, &functions::kKvDelete,
    &functions::kKvDrop,  &functions::kKvGet,   &functions::kKvKeys,   &functions::kKvOptions,
    &functions::kKvPut,   &functions::kKvRead,  &functions::kKvScan};

std::string names_of_functions() {
  std::vector<std::string> names;
  names.reserve(kFunctions.size());
  for (const auto* function : kFunctions) names.push_back(function->str());
  return joined(names, ", ");
}

void run_here(const core::FunctionRegistry& modules, Call& call) {
  Arguments args{call.request(), functions::kKvHere};
  const auto bucket = args.bytes({"bucket name", limits::kBucketNameBytesMax});
  const auto name = args.bytes({"function", limits::kBucketNameBytesMax});
  std::uint32_t count = 0;
  const auto inner_args = args.array(count);
  if (refuse(call, args.check())) return;
  if (!call.bucket().empty()) {
    return call.fail({StatusCode::kInvalidArgument,
                      functions::kKvHere.str() +
                          " is for a node; send it to one, with the bucket as an argument"});
  }
  if (bucket.empty()) {
    return call.fail({StatusCode::kInvalidArgument, "the name of the bucket is empty"});
  }
  const bool known =
      std::ranges::find(kFunctions, name, &functions::Function::name) != kFunctions.end();
  const auto* function = known ? modules.find(name) : nullptr;
  if (function == nullptr || function->runner == nullptr) {
    return call.fail({StatusCode::kInvalidArgument, functions::kKvHere.str() + " does not run " +
                                                        in_quotes(name) + "; it runs " +
                                                        names_of_functions()});
  }
  // As it would be, had a table led here.
  RequestView request = call.request();
  request.target = {Target::Kind::kBucket, bucket};
  request.function = name;
  request.args = inner_args;
  if (refuse(call, core::check_permit(request, function->known))) return;
  core::InnerCall inner{call, request, function->number};
  Call* inner_call = &inner;
  function->runner->run({&inner_call, 1});
}

}  // namespace

void define_kv_here(core::FunctionRegistry& modules) {
  modules.define(functions::kKvHere, [&modules](Call& call) { run_here(modules, call); });
}

}  // namespace kvmesh::modules
