// The text files of the method's authors, for exchange in both directions (docs/formats.md).
//
//   th.txt    L31_H31:1219 0.0002257227897644043 4 64
//             layer, head, row length, theta, number of samples, k
//   sdc.txt   L31_H31:1219 0.0123 4
//             layer, head, row length, M, number of samples
//
// Layers, heads and nothing else: what a table says about itself, standard deviations and kept mass are lost.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// th.txt, by target, layer, head and length; numbers as Python prints them, so that reading and writing again
// gives the same bytes. The last column is the k of the line's head. k = 0 writes all targets; where several
// share the k of a head, its lines are written once. Throws UsageError for a k that the table has not,
// UnfinishedError if the file cannot be written.
void write_authors_thresholds(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

// Reads a th.txt; lines in any order. Which k are targets:
//   - the k of a layer are those on its lines; most layers have the same ones, and these are the targets, in
//     the order in which they first appear (of equally frequent sets the larger counts, then the one of
//     smaller k);
//   - a layer whose lines have one other k has that k under every target, as after --layer-k;
//   - a layer without lines is dense; any other layer is an error;
//   - but where every head has lines of one k only, and heads of a layer differ, there is one target with a k
//     for each head, named by their mean; a head without lines is dense.
// The shape is what the lines show: layers and heads up to the largest number, num_kv_heads and head_dim
// unknown (0). `placement` is not in the file either. The caller fills in model and provenance. Throws
// InputError naming file and line.
ThresholdTable read_authors_thresholds(const std::filesystem::path& path,
                                       Placement placement = Placement::pre_softmax);

// sdc.txt of one target (k = 0: the only one), entries without an SDC term left out. Throws UsageError for a
// k that the table has not, InputError naming `table_path` if no entry has a term.
void write_authors_sdc(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                       const std::string& table_path);

// Sets the SDC terms of one target (k = 0: the only one). Sample counts are checked but not kept: an entry
// has only that of its threshold. Throws InputError naming file and line, also for a length that the target
// has not.
void read_authors_sdc(const std::filesystem::path& path, std::int64_t k, ThresholdTable& table);

}  // namespace toptheta
