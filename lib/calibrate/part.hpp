// Part files: what one process of a calibration gathered, in the end (a part) or up to some point (a
// checkpoint). docs/formats.md, "Calibration parts".
//
//   /             format = "toptheta.calibration-part", version = 1, kind = "part" | "checkpoint",
//                 stage = "thresholds" | "sdc", group, sample, shard, shards, table_sha256
//   /setup        uint8 []   JSON: what the calibration computes; equal in all of its parts
//   /provenance   uint8 []   JSON, as in a threshold table, with a fingerprint beside each input's digest
//   /states/NAME             the states of the sinks: thresholds-<group>, curves-0, sdc-<group>
//
// The file ends with a seal (io/sealed_file.hpp) that tells whether it is complete and undamaged.
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

// How far a run has come: in this stage, everything before this sample of this group is done.
struct WalkPosition {
  Stage stage = Stage::thresholds;
  std::int64_t group = 0;
  std::int64_t sample = 0;
};

// Which calibration a part belongs to, which share of it, and which files it read.
struct PartIdentity {
  CalibrationSetup setup;
  Provenance provenance;  // without inputs
  std::vector<CalibrationInput> inputs;
  Shard shard{};
  // Of the table whose SDC terms are gathered; empty where these are the run's own thresholds.
  std::string table_sha256{};
};

struct CalibrationPart {
  std::string path;
  PartIdentity identity;
  bool checkpoint = false;
  WalkPosition position{};
  hdf5::File file;

  [[nodiscard]] hdf5::Group states() const { return file.root().open_group("states"); }
};

// A part holds the states of its stage; a checkpoint also holds the thresholds that stage "sdc" works with,
// unless they came from a table. Needs as much memory as the file is large. Throws UnfinishedError if the
// file cannot be written.
void write_part(const std::filesystem::path& path, const PartIdentity& identity,
                const CalibrationStates& states, Stage stage);
void write_checkpoint(const std::filesystem::path& path, const PartIdentity& identity,
                      const CalibrationStates& states, const WalkPosition& position);

// A part without its seal, as the processes of one run exchange it. `name` appears in error messages.
std::string part_image(const std::string& name, const PartIdentity& identity, const CalibrationStates& states,
                       Stage stage);
CalibrationPart part_from_image(const std::string& bytes, const std::string& name);

// Throws InputError for anything but a complete, undamaged file of this kind.
CalibrationPart read_part(const std::filesystem::path& path);

// Throws InputError naming `path`, where `found` comes from, unless both belong to one calibration: with
// equal setup, program version and commit, inputs, and table of --sdc-from.
void require_same_calibration(const PartIdentity& expected, const std::string& expected_name,
                              const PartIdentity& found, const std::string& path);

}  // namespace toptheta
