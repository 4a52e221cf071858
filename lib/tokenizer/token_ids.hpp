// Reads token ids from files, which may be given wherever a text may.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace toptheta {

// Returns one sequence of ids for each document. The ending of the file's name decides the format:
//   .npy    integers of any width, little-endian: one sequence, or one for each row of a matrix
//   .h5     the data set `tokens`, one sequence
//   .json   a list of ids, or an object with the list "ids": what `tt-eval tokenize --format json` writes
//   others  JSON Lines: the same on each line
// Throws InputError for other contents, for a file without any ids, and for an id outside 0 ... vocab_size
// - 1.
std::vector<std::vector<std::int32_t>> read_token_ids(const std::filesystem::path& path,
                                                      std::int64_t vocab_size);

}  // namespace toptheta
