#include "calibrate/part.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "io/json_reader.hpp"
#include "io/sealed_file.hpp"
#include "theta/formats/provenance_json.hpp"

namespace toptheta {

namespace {

constexpr const char* kFormat = "toptheta.calibration-part";
constexpr std::int64_t kVersion = 1;

void write_json(hdf5::Group& root, const std::string& name, const nlohmann::ordered_json& json) {
  const std::string text = dump_json(json);
  root.write_vector(name, std::vector<std::uint8_t>(text.begin(), text.end()));
}

JsonValue read_json_dataset(const hdf5::Group& root, const std::string& name) {
  const hdf5::Dataset dataset = root.open_dataset(name);
  const auto bytes = dataset.size() == 0 ? std::vector<std::uint8_t>() : dataset.read<std::uint8_t>();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, dataset.where());
}

nlohmann::ordered_json provenance_json(const PartIdentity& identity) {
  Provenance provenance = identity.provenance;
  provenance.inputs = files_of(identity.inputs);
  nlohmann::ordered_json json = json_from(provenance);
  for (std::size_t i = 0; i < identity.inputs.size(); ++i)
    json["inputs"][i]["fingerprint"] = identity.inputs[i].fingerprint;
  return json;
}

void read_provenance(const hdf5::Group& root, PartIdentity& identity) {
  const JsonValue json = read_json_dataset(root, "provenance");
  identity.provenance = provenance_from(json);
  const std::vector<JsonValue> inputs = json.elements("inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputFile& file = identity.provenance.inputs[i];
    identity.inputs.push_back({file.path, inputs[i].text("fingerprint"), file.sha256});
  }
  identity.provenance.inputs.clear();
}

std::string image_of(const std::string& name, const PartIdentity& identity, const CalibrationStates& states,
                     const WalkPosition& position, bool checkpoint) {
  hdf5::File file = hdf5::File::create_in_memory(name);
  {
    hdf5::Group root = file.root();
    root.write_attribute("format", kFormat);
    root.write_attribute("version", kVersion);
    root.write_attribute("kind", checkpoint ? "checkpoint" : "part");
    root.write_attribute("stage", name_of(position.stage));
    root.write_attribute("group", position.group);
    root.write_attribute("sample", position.sample);
    root.write_attribute("shard", identity.shard.index + 1);
    root.write_attribute("shards", identity.shard.count);
    root.write_attribute("table_sha256", identity.table_sha256);
    write_json(root, "setup", json_from(identity.setup));
    write_json(root, "provenance", provenance_json(identity));
    hdf5::Group group = root.create_group("states");
    const bool sdc = position.stage == Stage::sdc;
    const bool own_thresholds = identity.table_sha256.empty();
    states.save(group, own_thresholds && (checkpoint || !sdc), sdc);
  }
  return file.image();
}

WalkPosition end_of(Stage stage, const PartIdentity& identity, const CalibrationStates& states) {
  return {stage, static_cast<std::int64_t>(states.groups()), identity.setup.samples};
}

void require_kind(const hdf5::Group& root, const std::string& path) {
  const std::string format = root.has_attribute("format") ? root.text_attribute("format") : "";
  if (format != kFormat)
    throw InputError({.where = path,
                      .what = "not a calibration part",
                      .expected = fmt::format("format = '{}'", kFormat),
                      .found = fmt::format("format = '{}'", format),
                      .next = "give files that tt-calibrate fit --shard wrote"});
  const std::int64_t version = root.int_attribute("version");
  if (version != kVersion)
    throw InputError({.where = path,
                      .what = "a calibration part of another version",
                      .expected = fmt::format("version {}", kVersion),
                      .found = fmt::format("version {}", version),
                      .next = "use the release that wrote it"});
}

// Reads an attribute that must be one of two words, and returns whether it is the second.
bool is_second(const hdf5::Group& root, const std::string& name, const std::string& first,
               const std::string& second) {
  const std::string text = root.text_attribute(name);
  if (text != first && text != second)
    throw InputError({.where = root.where(),
                      .what = fmt::format("'{}' is not known", name),
                      .expected = first + " or " + second,
                      .found = text});
  return text == second;
}

}  // namespace

void write_part(const std::filesystem::path& path, const PartIdentity& identity,
                const CalibrationStates& states, Stage stage) {
  write_sealed_file(path, part_image(path.string(), identity, states, stage));
}

void write_checkpoint(const std::filesystem::path& path, const PartIdentity& identity,
                      const CalibrationStates& states, const WalkPosition& position) {
  write_sealed_file(path, image_of(path.string(), identity, states, position, true));
}

std::string part_image(const std::string& name, const PartIdentity& identity, const CalibrationStates& states,
                       Stage stage) {
  return image_of(name, identity, states, end_of(stage, identity, states), false);
}

CalibrationPart read_part(const std::filesystem::path& path) {
  return part_from_image(read_sealed_file(path, "a calibration part"), path.string());
}

CalibrationPart part_from_image(const std::string& bytes, const std::string& name) {
  CalibrationPart part{.path = name, .identity = {}, .file = hdf5::File::open_image(bytes, name)};
  const hdf5::Group root = part.file.root();
  require_kind(root, part.path);
  part.checkpoint = is_second(root, "kind", "part", "checkpoint");
  part.position = {is_second(root, "stage", "thresholds", "sdc") ? Stage::sdc : Stage::thresholds,
                   root.int_attribute("group"), root.int_attribute("sample")};
  part.identity.shard = {root.int_attribute("shard") - 1, root.int_attribute("shards")};
  const Shard& shard = part.identity.shard;
  if (shard.index < 0 || shard.index >= shard.count || part.position.group < 0 || part.position.sample < 0)
    throw InputError({.where = part.path, .what = "impossible shard or position"});
  part.identity.table_sha256 = root.text_attribute("table_sha256");
  part.identity.setup = setup_from(read_json_dataset(root, "setup"));
  read_provenance(root, part.identity);
  return part;
}

void require_same_calibration(const PartIdentity& expected, const std::string& expected_name,
                              const PartIdentity& found, const std::string& path) {
  require_same_setup(expected.setup, expected_name, found.setup, path);
  const auto require = [&](const std::string& what, const std::string& left, const std::string& right) {
    if (left != right)
      throw InputError({.where = path,
                        .what = fmt::format("{} is not that of {}", what, expected_name),
                        .expected = left,
                        .found = right,
                        .next = "use one build of the program and the same inputs for all parts"});
  };
  require("the program's version", expected.provenance.version, found.provenance.version);
  require("the program's commit", expected.provenance.commit, found.provenance.commit);
  require("the number of input files", fmt::format("{}", expected.inputs.size()),
          fmt::format("{}", found.inputs.size()));
  for (std::size_t i = 0; i < expected.inputs.size(); ++i)
    require(fmt::format("the content of input {} ({})", i + 1, found.inputs[i].path),
            expected.inputs[i].fingerprint, found.inputs[i].fingerprint);
  require("the threshold table of --sdc-from", expected.table_sha256, found.table_sha256);
}

}  // namespace toptheta
