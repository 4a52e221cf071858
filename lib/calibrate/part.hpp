// Part files: what one process of a calibration has gathered, or had gathered when it wrote a checkpoint
// (docs/formats.md, "Calibration parts").
//
//   /             format = "toptheta.calibration-part", version = 1, kind = "part" | "checkpoint",
//                 stage = "thresholds" | "sdc", group, sample, shard, shards, table_sha256
//   /setup        uint8 []   JSON: what the calibration computes; equal in all of its parts
//   /provenance   uint8 []   JSON, as in a threshold table, with a fingerprint beside each input's digest
//   /states/NAME             the states of sinks: thresholds-<group>, sdc-<group>
// The file ends in its seal (io/sealed_file.hpp).
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "calibrate/inputs.hpp"
#include "calibrate/setup.hpp"
#include "calibrate/states.hpp"
#include "core/provenance.hpp"

namespace toptheta {

enum class Stage { thresholds, sdc };
template <>
inline constexpr auto kNames<Stage> = std::to_array<Named<Stage>>({{Stage::thresholds, "thresholds"},
                                                                   {Stage::sdc, "sdc"}});

// Where a run stands: everything before this sample of this pass is done.
struct WalkPosition {
  Stage stage = Stage::thresholds;
  std::int64_t group = 0;
  std::int64_t sample = 0;
};

// Who gathered what, from which files.
struct PartIdentity {
  CalibrationSetup setup;
  Provenance provenance;  // without inputs
  std::vector<CalibrationInput> inputs;
  Shard shard{};
  std::string table_sha256{};  // of the table whose SDC terms are gathered, where it was given
};

struct CalibrationPart {
  std::string path;
  PartIdentity identity;
  bool checkpoint = false;
  WalkPosition position{};
  hdf5::File file;

  [[nodiscard]] hdf5::Group states() const { return file.root().open_group("states"); }
};

// A part holds its stage's states, a checkpoint those of both stages as far as they are its own. Memory: the
// file's size once more. Throws UnfinishedError.
void write_part(const std::filesystem::path& path, const PartIdentity& identity,
                const CalibrationStates& states, Stage stage);
void write_checkpoint(const std::filesystem::path& path, const PartIdentity& identity,
                      const CalibrationStates& states, const WalkPosition& position);

// A part without its seal, as processes of one run exchange it; `name` is for messages.
std::string part_image(const std::string& name, const PartIdentity& identity, const CalibrationStates& states,
                       Stage stage);
CalibrationPart part_from_image(const std::string& bytes, const std::string& name);

// Throws InputError for anything but a complete, undamaged file of this kind.
CalibrationPart read_part(const std::filesystem::path& path);

// Throws InputError naming `found.path` unless both belong to one calibration: equal setup, program version,
// inputs and table.
void require_same_calibration(const PartIdentity& expected, const std::string& expected_name,
                              const PartIdentity& found, const std::string& path);

}  // namespace toptheta
