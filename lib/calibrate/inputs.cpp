#include "calibrate/inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace toptheta {

std::string fingerprint_of(const std::filesystem::path& path) {
  constexpr std::int64_t kPieces = 64;
  constexpr std::int64_t kPieceBytes = 65536;
  std::error_code error;
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
  std::ifstream file(path, std::ios::binary);
  if (error || !file)
    throw InputError({.where = path.string(),
                      .what = "cannot read: " +
                              (error ? error : std::error_code(errno, std::generic_category())).message()});
  std::string text = fmt::format("{}\n", size);
  std::string piece(kPieceBytes, '\0');
  const std::int64_t last = std::max<std::int64_t>(0, size - kPieceBytes);
  std::int64_t previous = -1;
  for (std::int64_t i = 0; i < kPieces; ++i) {
    const std::int64_t offset = last / (kPieces - 1) * i + last % (kPieces - 1) * i / (kPieces - 1);
    if (offset == previous) continue;
    previous = offset;
    file.clear();
    file.seekg(offset);
    file.read(piece.data(), kPieceBytes);
    text.append(piece, 0, static_cast<std::size_t>(file.gcount()));
  }
  return sha256_of_text(text);
}

std::vector<CalibrationInput> fingerprinted(const std::vector<std::filesystem::path>& paths,
                                            DigestPolicy policy) {
  std::vector<CalibrationInput> inputs;
  inputs.reserve(paths.size());
  std::int64_t bytes = 0;
  for (const auto& path : paths) {
    inputs.push_back({path.string(), fingerprint_of(path)});
    bytes += static_cast<std::int64_t>(std::filesystem::file_size(path));
  }
  const bool wanted =
      policy == DigestPolicy::automatic ? bytes <= kDigestedBytes : policy == DigestPolicy::full;
  for (CalibrationInput& input : inputs)
    input.wanted = wanted;
  return inputs;
}

std::vector<InputFile> input_files(const std::vector<std::filesystem::path>& paths, DigestPolicy policy) {
  std::vector<CalibrationInput> inputs = fingerprinted(paths, policy);
  digest_share(inputs, {});
  return files_of(inputs);
}

void digest_share(std::vector<CalibrationInput>& inputs, const Shard& shard) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].wanted && inputs[i].sha256.empty() &&
        static_cast<std::int64_t>(i) % shard.count == shard.index)
      inputs[i].sha256 = sha256_of_path(inputs[i].path);
}

std::vector<InputFile> files_of(const std::vector<CalibrationInput>& inputs) {
  std::vector<InputFile> files;
  files.reserve(inputs.size());
  for (const CalibrationInput& input : inputs)
    files.push_back({input.path, input.sha256, input.sha256.empty() ? input.fingerprint : std::string()});
  return files;
}

}  // namespace toptheta
