// The text files of the method's authors, for exchange in both directions (docs/formats.md).
//
//   th.txt    L31_H31:1219 0.0002257227897644043 4 64
//             layer, head, row length, theta, number of samples, k
//   sdc.txt   L31_H31:1219 0.0123 4
//             layer, head, row length, M, number of samples
//
// These files hold nothing else: the table's attributes (its placement, length bins and kept positions among
// them), standard deviations, kept mass and rho are lost.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "theta/table.hpp"

namespace toptheta {

// Writes a th.txt, ordered by target, layer, head and length. Numbers are written as Python prints them, so
// that reading and writing again gives the same bytes. The last column is the k of the line's head. k = 0
// writes all targets; where several targets have the same k in a head, that head's lines are written once.
// Dense heads have none. Throws UsageError for a k that the table does not have, UnfinishedError if the file
// cannot be written.
void write_authors_thresholds(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

// A sentence about thresholds that a th.txt of these targets lacks, because an earlier target has others for
// the same layer, head and k: fit --tac fits layers with a k of their own anew for every target. Empty if
// there are none; k as above.
std::string describe_lost_lines(const ThresholdTable& table, std::int64_t k);

// Reads a th.txt, whose lines may have any order. The k that become targets:
//   - The k of a layer are those on its lines. Most layers have the same set of k; the k in this set become
//     the targets, in the order in which they first appear. (Of equally frequent sets the larger one counts,
//     then the one with the smaller k.)
//   - A layer whose lines have a single other k has that k under every target, as after --layer-k.
//   - A layer without lines is dense; any other layer is an error.
//   - Where the lines of each head have only one k, and heads of a layer differ, there is instead one target
//     with a k for each head, named by their mean; a head without lines is dense.
// The shape is what the lines show: as many layers and heads as the largest numbers say, num_kv_heads and
// head_dim unknown (0). The file does not hold the placement either, so the caller gives it. The caller also
// fills in model and provenance. Throws InputError naming file and line.
ThresholdTable read_authors_thresholds(const std::filesystem::path& path,
                                       Placement placement = Placement::pre_softmax);

// Writes the sdc.txt of one target (k = 0: the only one); entries without an SDC term are left out. Throws
// UsageError for a k that the table does not have, and InputError naming `table_path` if no entry has a term.
void write_authors_sdc(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                       const std::string& table_path);

// Sets the SDC terms of one target (k = 0: the only one) from an sdc.txt. The sample counts are checked but
// not kept, because an entry holds only the count of its threshold. Throws InputError naming file and line,
// also for a length that the target does not have, and for a second term of the same entry.
void read_authors_sdc(const std::filesystem::path& path, std::int64_t k, ThresholdTable& table);

}  // namespace toptheta
