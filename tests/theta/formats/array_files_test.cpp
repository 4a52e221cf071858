// .npz as numpy reads it (passed over where Python or numpy are missing), .safetensors as our reader does.
#include "theta/formats/array_files.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "io/safetensors.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_columns.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// The arrays that a file of this table must hold, as bytes.
std::map<std::string, std::string> expected_arrays(const ThresholdTable& table) {
  std::map<std::string, std::string> arrays;
  std::vector<std::int64_t> all_k;
  for (const Target& target : table.targets) {
    all_k.push_back(target.k);
    const auto add = [&](std::string_view name, const auto& values) {
      arrays[fmt::format("{}/{}", target.k, name)] = bytes_of(values);
    };
    if (!target.head_k.empty()) add("head_k", stored_k(target.head_k));
    for_each_column(columns_from(target, table.meta.shape.num_heads), add);
    if (target.has_rho_laws()) add("rho_law", stored_rho_laws(target));
    std::vector<std::int64_t> layer_k = target.layer_k;
    layer_k[0] = -1;  // dense in the sample
    add("layer_k", layer_k);
  }
  arrays["k"] = bytes_of(all_k);
  return arrays;
}

}  // namespace

TEST_CASE("a safetensors file holds every column of every target") {
  const TempDir dir;
  const ThresholdTable table = sample_table_with_laws();
  write_safetensors(table, 0, dir.path("t.safetensors"));
  const SafetensorsFile file(dir.path("t.safetensors"));
  const auto expected = expected_arrays(table);
  CHECK(file.tensors().size() == expected.size());
  for (const auto& [name, bytes] : expected) {
    INFO(name);
    const Tensor* tensor = file.find(name);
    REQUIRE(tensor != nullptr);
    REQUIRE(tensor->data.size() == bytes.size());
    CHECK(std::memcmp(tensor->data.data(), bytes.data(), bytes.size()) == 0);
  }
  CHECK(file.find("16/theta")->type == TensorType::f64);
  CHECK(file.find("16/length")->type == TensorType::i32);
  CHECK(file.find("16/rho_law")->shape == std::vector<std::int64_t>{6, 3});
  const auto about = nlohmann::json::parse(file.metadata().at("toptheta"));
  CHECK(about.at("meta").at("add_sigma") == 0.1);
  CHECK(about.at("provenance").at("command") == "tt-calibrate fit 'a b.h5'");
  write_safetensors(table, 4, dir.path("one.safetensors"));
  CHECK(SafetensorsFile(dir.path("one.safetensors")).find("16/theta") == nullptr);
  CHECK_THROWS_AS(write_safetensors(table, 5, dir.path("none")), UsageError);
}

TEST_CASE("numpy reads the arrays of an npz file") {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) return;
  const TempDir dir;
  const ThresholdTable table = sample_table_with_laws();
  write_npz(table, 0, dir.path("t.npz"));
  // Every array's bytes into a file of its own; zipfile checks the checksums.
  write_text(dir.path("read.py"), R"(
import json, os, sys, zipfile, numpy
assert zipfile.ZipFile("t.npz").testzip() is None
t = numpy.load("t.npz")
for name in t.files:
    open(name.replace("/", "-") + ".bin", "wb").write(t[name].tobytes())
assert t["16/rho_law"].shape == (6, 3) and "4/rho_law" not in t.files
assert t["16/theta"].dtype == numpy.float64 and t["16/layer"].dtype == numpy.int32
assert json.loads(bytes(t["about"]))["meta"]["num_heads"] == 2
print(len(t.files))
)");
  const std::string command =
      fmt::format("cd '{}' && /usr/bin/python3 read.py > count.txt", dir.root().string());
  REQUIRE(std::system(command.c_str()) == 0);
  const auto expected = expected_arrays(table);
  CHECK(file_text(dir.path("count.txt")) == fmt::format("{}\n", expected.size() + 1));
  for (const auto& [name, bytes] : expected) {
    INFO(name);
    std::string file = name;
    std::replace(file.begin(), file.end(), '/', '-');
    CHECK(file_text(dir.path(file + ".bin")) == bytes);
  }
}
