// A threshold table as JSON: lossless, readable by people and by any language. Schema
// "toptheta.thresholds/1":
//
//   {"schema": "toptheta.thresholds/1",
//    "meta": {"num_layers": 2, "num_heads": 4,
//             "num_kv_heads": 2, "head_dim": 64,          0 where unknown
//             "model": "...", "placement": "pre-softmax", "estimator": "exact", "add_sigma": 0.1,
//             "topk_at_calibration": false, "row_fraction": 1,
//             "length_bins": 8,                           only where entries belong to bins of lengths
//             "keep_first": 4, "keep_recent": 64},        only where positions are always kept
//    "provenance": {"version", "commit", "command", "seed", "inputs": [{"path", "sha256"}]},
//    "targets": [
//      {"k": 64,
//       "layer_k": ["dense", 64],                         the k of each layer
//       "head_k": [["dense", "dense"], [64, 80]],         only where heads of a layer differ (schema /2)
//       "rho_law": [[null, null], [[-1, 0.1, 0.3], null]], the law for rho of each head, only with --rho-law
//       "cells": [
//         {"layer": 1, "head": 0,
//          "length": [65, 66], "theta": [1.5, 1.6], "std": [0.1, 0.1], "count": [4, 4],
//          "sdc": [null, null], "kept_mass": [0.9, 0.9],
//          "rho": [0.1, 0.1]}]}]}                         only where calibrated
//
// Cells are ordered by layer and head; heads without thresholds are left out. The columns of a cell have one
// element for each length, and lengths ascend; null means "not calibrated". Numbers have the shortest digits
// that read back the same.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// k = 0 writes all targets. Throws UsageError for a k that the table does not have, UnfinishedError if the
// file cannot be written.
void write_json(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

// Throws InputError naming the file and the place in it, also for an unknown key.
ThresholdTable read_json(const std::filesystem::path& path);

}  // namespace toptheta
