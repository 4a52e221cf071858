// --shard I/N: one share of a job that several machines do.
#pragma once
#include <string>

#include "calibrate/shard.hpp"

namespace toptheta::app {

// "2/8": shards count from 1. Throws UsageError naming --shard.
Shard parse_shard(const std::string& text);

}  // namespace toptheta::app
