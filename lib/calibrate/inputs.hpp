// The files that a calibration reads, identified by name and content.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "calibrate/shard.hpp"
#include "core/names.hpp"
#include "core/provenance.hpp"

namespace toptheta {

// `fingerprint` tells files apart after reading at most 4 MiB of each: it is the SHA-256 of the file's size
// and of 64 evenly spaced pieces of 64 KiB, the first and the last piece of the file among them. `sha256` is
// the digest of the whole file, empty until it has been computed.
struct CalibrationInput {
  std::string path;
  std::string fingerprint;
  std::string sha256{};
  bool wanted = true;  // whether sha256 is to be computed
};

// Whether whole files are digested. At 1 to 2 GB/s on one processor, that can take longer than the
// calibration itself.
enum class DigestPolicy {
  automatic,    // if all inputs together have at most kDigestedBytes
  full,         // always
  fingerprint,  // never
};
template <>
inline constexpr auto kNames<DigestPolicy> =
    std::to_array<Named<DigestPolicy>>({{DigestPolicy::automatic, "auto"},
                                        {DigestPolicy::full, "full"},
                                        {DigestPolicy::fingerprint, "fingerprint"}});
inline constexpr std::int64_t kDigestedBytes = std::int64_t{256} << 20;

// A file's CalibrationInput::fingerprint. Throws InputError if the file cannot be read.
std::string fingerprint_of(const std::filesystem::path& path);

// The inputs with their fingerprints; `wanted` follows the policy, and nothing is digested yet.
std::vector<CalibrationInput> fingerprinted(const std::vector<std::filesystem::path>& paths,
                                            DigestPolicy policy = DigestPolicy::full);

// The inputs of a run of a single process, digested as the policy says, for provenance.
std::vector<InputFile> input_files(const std::vector<std::filesystem::path>& paths,
                                   DigestPolicy policy = DigestPolicy::automatic);

// Digests this shard's part of the inputs, which is every count-th one, where a digest is wanted and missing.
// Digesting hundreds of gigabytes is work worth sharing, like the calibration itself.
void digest_share(std::vector<CalibrationInput>& inputs, const Shard& shard);

// The inputs as provenance records them: with the digest where there is one, else with the fingerprint.
std::vector<InputFile> files_of(const std::vector<CalibrationInput>& inputs);

}  // namespace toptheta
