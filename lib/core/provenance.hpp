// Where a result came from: kept in every file and report we write.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace toptheta {

std::string version();  // "0.1.0"
std::string commit();   // short hash, with "-dirty" where the tree had changes; "unknown" outside git

struct InputFile {
  std::string path;
  std::string sha256;         // of the whole file; empty where it was too large to be digested
  std::string fingerprint{};  // then, of pieces of it (eval/calibration_inputs.hpp)
  bool operator==(const InputFile&) const = default;
};

struct Provenance {
  std::string version;
  std::string commit;
  std::string command;  // the command line, quoted so that a shell runs it again
  std::uint64_t seed = 0;
  std::vector<InputFile> inputs;
  bool operator==(const Provenance&) const = default;
};

// Version and commit of this build; `arguments` as main() got them; the inputs' digests are added by the
// caller.
// Flags that say how to run and where to write, not what to compute (--threads, -o, --progress, -q, --shard,
// --sdc-from, --checkpoint, --checkpoint-every, --resume, --max-memory,
// --fail-if), are left out of the command: equal
// results are equal bytes, whoever computed which part of them.
Provenance make_provenance(const std::vector<std::string>& arguments, std::uint64_t seed);

}  // namespace toptheta
