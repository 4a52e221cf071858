// What tt-eval bench measured, as a listing: figures, and their fractions of the machine's limits.
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
  std::string compute = "f32";      // what matrix products work in
  std::string kv = "f32";           // what keys and values were cached in
  bool rounds_activations = false;  // bf16 on a processor that multiplies it
  MachineLimits limits;
  int threads = 1;                 // the most that results ran with: as many as the limits cover
  std::vector<int> thread_counts;  // ascending, where results of several are compared; else empty
  std::int64_t repetitions = 0;
  SpeedCheck check;  // over all policies
  std::vector<SpeedResult> results;
  Provenance provenance;
};

// Schema "toptheta.bench/1" (docs/formats.md). "vs dense" compares with the first dense policy of the same
// workload, at as many threads; where several counts are compared, speed-ups are over the first of them, and
// efficiencies are speed-ups over the ratio of the counts.
Listing speed_listing(const SpeedReport& report);

}  // namespace toptheta
