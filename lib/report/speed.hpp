// The measurements of tt-eval bench as a listing: figures, and their fractions of the machine's limits.
#pragma once
#include <string>
#include <vector>

#include "eval/machine_limits.hpp"
#include "eval/speed.hpp"
#include "eval/speed_check.hpp"
#include "report/listing.hpp"

namespace toptheta {

struct SpeedReport {
  std::string model;  // a name for people
  ModelConfig config;
  std::string compute = "f32";      // precision of matrix products
  std::string kv = "f32";           // format of the KV cache
  bool rounds_activations = false;  // bf16 on a processor that multiplies it
  MachineLimits limits;
  int threads = 1;                 // the largest number that results ran with, and that the limits cover
  std::vector<int> thread_counts;  // ascending, if several are compared; else empty
  std::int64_t repetitions = 0;
  SpeedCheck check;  // over all policies
  std::vector<SpeedResult> results;
  Provenance provenance;
};

// Schema "toptheta.bench/1" (docs/formats.md). "vs dense" compares with the first dense policy of the same
// workload at the same number of threads. If several numbers of threads are compared, speed-ups are relative
// to the first, and efficiencies are speed-ups divided by the ratio of the numbers.
Listing speed_listing(const SpeedReport& report);

}  // namespace toptheta
