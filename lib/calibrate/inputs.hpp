// The files that a calibration reads, by name and content.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "calibrate/shard.hpp"
#include "core/names.hpp"
#include "core/provenance.hpp"

namespace toptheta {

// `fingerprint` tells files apart at the cost of a few megabytes of reading: the SHA-256 of the size and of
// 64 pieces of 64 KiB, evenly spaced, the first and the last among them. `sha256` is that of everything;
// empty until it is wanted.
struct CalibrationInput {
  std::string path;
  std::string fingerprint;
  std::string sha256{};
  bool wanted = true;  // whether sha256 is
};

// A digest of every byte takes longer than the calibration itself: 1 to 2 GB/s on one processor.
enum class DigestPolicy {
  automatic,    // while all inputs together are small: kDigestedBytes
  full,         // always
  fingerprint,  // never
};
template <>
inline constexpr auto kNames<DigestPolicy> =
    std::to_array<Named<DigestPolicy>>({{DigestPolicy::automatic, "auto"},
                                        {DigestPolicy::full, "full"},
                                        {DigestPolicy::fingerprint, "fingerprint"}});
inline constexpr std::int64_t kDigestedBytes = std::int64_t{256} << 20;

// Of a file. Throws InputError if it cannot be read.
std::string fingerprint_of(const std::filesystem::path& path);

// Inputs by their fingerprints, not digested yet.
std::vector<CalibrationInput> fingerprinted(const std::vector<std::filesystem::path>& paths,
                                            DigestPolicy policy = DigestPolicy::full);

// Inputs that one process reads by itself, digested as the policy says: for provenance.
std::vector<InputFile> input_files(const std::vector<std::filesystem::path>& paths,
                                   DigestPolicy policy = DigestPolicy::automatic);

// Digests what falls to this shard, every count-th input, is wanted and was not digested before: reading
// hundreds of gigabytes for their digest is work to be dealt out too.
void digest_share(std::vector<CalibrationInput>& inputs, const Shard& shard);

// For provenance; where a digest is missing it is empty, and the fingerprint stands in.
std::vector<InputFile> files_of(const std::vector<CalibrationInput>& inputs);

}  // namespace toptheta
