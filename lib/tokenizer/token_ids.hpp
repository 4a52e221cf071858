// Token ids from files, wherever a text may go.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace toptheta {

// One sequence of ids for each document. By the ending of the name:
//   .npy    integers of any width, little-endian: one sequence, or one for each row of a matrix
//   .h5     the data set `tokens`, one sequence
//   .json   a list of ids, or an object with the list "ids": what `tt-eval tokenize --format json` writes
//   others  JSON Lines: the same on each line
// Throws InputError for other contents, and for an id that is not in 0 ... vocab_size - 1.
std::vector<std::vector<std::int32_t>> read_token_ids(const std::filesystem::path& path,
                                                      std::int64_t vocab_size);

}  // namespace toptheta
