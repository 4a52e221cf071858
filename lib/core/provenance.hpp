// Where a result came from. Every file and report that we write holds it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace toptheta {

std::string version();  // "0.1.0"
std::string commit();   // short hash, with "-dirty" where the tree had changes; "unknown" outside git

struct InputFile {
  std::string path;
  std::string sha256;         // of the whole file; empty where the file was too large to read for this
  std::string fingerprint{};  // in that case, a digest of pieces of it (calibrate/inputs.hpp)
  bool operator==(const InputFile&) const = default;
};

struct Provenance {
  std::string version;
  std::string commit;
  std::string command;  // the command line, quoted so that it can be pasted into a shell
  std::uint64_t seed = 0;
  std::vector<InputFile> inputs;
  bool operator==(const Provenance&) const = default;
};

// A word of a command as a shell reads it: in quotes where it needs them.
std::string shell_word(const std::string& word);

// Fills in the version and commit of this build. `arguments` are those of main(). The caller adds the inputs'
// digests.
//
// The command leaves out flags that say how to run and where to write but not what to compute (--threads,
// --output, -o, --json, --progress, -q, --quiet, --dry-run, --shard, --sdc-from, --checkpoint,
// --checkpoint-every, --resume, --max-memory, --fail-if). Runs that compute the same thing therefore write
// the same bytes, however the work was divided. Where --sdc-from alone names the thresholds, the caller adds
// it.
Provenance make_provenance(const std::vector<std::string>& arguments, std::uint64_t seed);

}  // namespace toptheta
