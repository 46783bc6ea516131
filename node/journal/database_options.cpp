#include "node/journal/database_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>

#include "node/journal/memtable.h"

namespace kvmesh::journal {

rocksdb::Options database_options(const Database::Place& place, rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;

  // Memtables are never read. With RocksDB's usual one, the thread that writes is at its limit with
  // 0.2 million puts a second.
  options.memtable_factory = memtable_factory();
  options.allow_concurrent_memtable_write = false;  // it cannot
  options.write_buffer_size = place.memtable_bytes;
  options.max_write_buffer_number = 6;  // with two, writes stall while one is flushed
  options.max_total_wal_size = std::uint64_t{8} * place.memtable_bytes;
  options.max_background_jobs = 2;
  options.disable_auto_compactions = true;          // until all is loaded: Database::begin()
  options.bytes_per_sync = std::uint64_t{1} << 20;  // tables reach the disk in pieces

  // A log that ends in a torn group is what a power loss leaves. Anything else that is wrong with
  // it also looks like its end: the marker tells (marker.h).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  options.recycle_log_file_num = 0;
  // Nothing that failed is tried again: after a failed sync nobody knows what the disk has.
  options.max_bgerror_resume_count = 0;

  options.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  table.block_size = std::size_t{16} * 1024;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.max_file_opening_threads = 2;
  return options;
}

}  // namespace kvmesh::journal
