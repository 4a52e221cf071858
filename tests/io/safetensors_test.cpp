#include "io/safetensors.hpp"

#include <cstring>

#include "core/error.hpp"
#include "core/half.hpp"
#include "io/atomic_file.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// A file with this header and `data_bytes` zeros.
std::string raw_file(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data_bytes, '\0');
}

Problem refused_file(const testing::TempDir& dir, const std::string& bytes) {
  write_file_atomically(dir.path("x.safetensors"), bytes);
  try {
    const SafetensorsFile file(dir.path("x.safetensors"));
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError for " << bytes.substr(0, 200));
  return {};
}

const std::vector<float> kFloats = {1, -2.5F, 3e-40F, 4, 5, 6};

}  // namespace

TEST_CASE("what is written is read back, and converts to floats exactly") {
  const testing::TempDir dir;
  const std::vector<std::uint16_t> halves = {f16_from_float(0.5F), f16_from_float(-65504), 1};
  const std::vector<std::uint16_t> brains = {bf16_from_float(3.0F), bf16_from_float(-1e30F)};
  const std::vector<std::int64_t> whole = {-7};
  const std::vector<TensorToWrite> tensors = {{"z.f32", TensorType::f32, {2, 3}, bytes_of(kFloats)},
                                              {"a.f16", TensorType::f16, {3}, bytes_of(halves)},
                                              {"b.bf16", TensorType::bf16, {1, 2, 1}, bytes_of(brains)},
                                              {"empty", TensorType::f32, {0, 4}, {}},
                                              {"scalar", TensorType::i64, {}, bytes_of(whole)}};
  write_safetensors(dir.path("x.safetensors"), tensors, {{"format", "pt"}});
  const SafetensorsFile file(dir.path("x.safetensors"));
  REQUIRE(file.tensors().size() == 5);
  CHECK(file.tensors()[0].name == "a.f16");
  CHECK(file.metadata().at("format") == "pt");
  REQUIRE(file.find("z.f32") != nullptr);
  CHECK(file.find("z.f32")->shape == std::vector<std::int64_t>{2, 3});
  CHECK(floats_of(*file.find("z.f32")) == kFloats);
  CHECK(floats_of(*file.find("a.f16")) == std::vector<float>{0.5F, -65504, 0x1p-24F});
  CHECK(floats_of(*file.find("b.bf16"))[0] == 3.0F);
  CHECK(floats_of(*file.find("empty")).empty());
  CHECK(file.find("scalar")->size() == 1);
  CHECK(file.find("nothing") == nullptr);
  try {
    floats_of(*file.find("scalar"));
    FAIL("integers are not floats");
  } catch (const InputError& error) {
    CHECK(error.problem().where == dir.path("x.safetensors").string() + ": tensor 'scalar'");
    CHECK(error.problem().found == "I64");
  }
}

TEST_CASE("files that are not whole are refused") {
  const testing::TempDir dir;
  const std::string file = dir.path("x.safetensors").string();
  CHECK(refused_file(dir, "").where == file);
  CHECK(refused_file(dir, "1234567").what.find("too short") != std::string::npos);
  CHECK(refused_file(dir, std::string(8, '\xFF') + "{}").what.find("does not fit") != std::string::npos);
  CHECK(refused_file(dir, raw_file("{\"a\": ", 0)).what == "not valid JSON");
  CHECK(refused_file(dir, raw_file("[1]", 0)).what == "the header is not a JSON object");
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 300'000; ++i)
      deep += open;
    CHECK(refused_file(dir, raw_file("{\"t\":" + deep, 0)).what.find("nested too deeply") !=
          std::string::npos);
    CHECK(refused_file(dir, raw_file("{\"__metadata__\":" + deep, 0)).what.find("nested too deeply") !=
          std::string::npos);
  }
  CHECK(refused_file(dir, raw_file("{\"__metadata__\":{\"a\":1}}", 0)).where ==
        file + ":header:__metadata__.a");

  write_safetensors(dir.path("good"), {{"t", TensorType::f32, {6}, bytes_of(kFloats)}});
  const std::string good = read_file(dir.path("good"));
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(refused_file(dir, good.substr(0, size)).what.empty());
  CHECK(refused_file(dir, good + "x").what == "1 bytes at the end belong to no tensor");
}

TEST_CASE("a tensor's entry must make sense, and the message names it") {
  const testing::TempDir dir;
  const auto problem = [&](const std::string& entry, std::size_t bytes = 8) {
    return refused_file(dir, raw_file("{\"t\":" + entry + "}", bytes));
  };
  const std::string where = dir.path("x.safetensors").string() + ": tensor 't'";
  const std::string header = dir.path("x.safetensors").string() + ":header:t";
  CHECK(problem("3").where == header);
  CHECK(problem(R"({"dtype":"F32","shape":[2]})").where == header + ".data_offsets");
  CHECK(problem(R"({"shape":[2],"data_offsets":[0,8]})").where == header + ".dtype");
  CHECK(problem(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"scale":2})").where == header + ".scale");
  CHECK(problem(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})").where == where);
  CHECK(problem(R"({"dtype":"F31","shape":[2],"data_offsets":[0,8]})").what == "unknown dtype");
  CHECK(problem(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})").where == header + ".shape");
  CHECK(problem(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})").where == header + ".shape[0]");
  CHECK(problem(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})").where == header + ".shape[0]");
  CHECK(problem(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})").what == "shape and data disagree");
  CHECK(problem(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})").what.find("outside the file") !=
        std::string::npos);
  CHECK(problem(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})").what.find("outside the file") !=
        std::string::npos);
  CHECK(problem(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,9]})").where == header + ".data_offsets");
  // 2^62 * 4 is 0 modulo 2^64.
  CHECK(problem(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0).what ==
        "shape and data disagree");
  CHECK(problem(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})").where ==
        header + ".shape[0]");
  CHECK(
      refused_file(
          dir,
          raw_file(
              R"({"s":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"t":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})",
              8))
          .what.find("overlaps") == 0);
  CHECK(
      refused_file(
          dir,
          raw_file(
              R"({"s":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"t":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})",
              8))
          .what.find("leaves a gap") == 0);
}

TEST_CASE("a set is one file or an index with shards") {
  const testing::TempDir dir;
  CHECK_THROWS_AS(SafetensorsSet(dir.root()), InputError);
  CHECK_THROWS_AS(SafetensorsSet(dir.path("none")), InputError);

  const std::vector<float> one = {1};
  write_safetensors(dir.path("s1.safetensors"), {{"a", TensorType::f32, {1}, bytes_of(one)},
                                                 {"unlisted", TensorType::f32, {1}, bytes_of(one)}});
  write_safetensors(dir.path("s2.safetensors"), {{"b", TensorType::f32, {6}, bytes_of(kFloats)}});
  const std::filesystem::path index = dir.path("model.safetensors.index.json");
  write_file_atomically(index, R"({"weight_map": {"a": "s1.safetensors", "b": "s2.safetensors"}})");
  SafetensorsSet shards(dir.root());
  const SafetensorsSet moved = std::move(shards);
  CHECK(moved.names() == std::vector<std::string>{"a", "b", "unlisted"});
  CHECK(floats_of(*moved.find("b")) == kFloats);
  CHECK(floats_of(*moved.find("unlisted")) == one);
  CHECK(moved.where() == index.string());

  const auto problem = [&](const std::string& json) {
    write_file_atomically(index, json);
    try {
      const SafetensorsSet set(dir.root());
    } catch (const InputError& error) {
      return error.problem();
    }
    return Problem{};
  };
  CHECK(problem("{").where == index.string() + ":line 1, column 2");
  CHECK(problem("{}").what.find("no weight_map") == 0);
  CHECK(problem(R"({"weight_map": {"a": 3}})").where == index.string() + ":weight_map.a");
  CHECK(problem(R"({"weight_map": {"a": "../s1.safetensors"}})").where == index.string() + ":weight_map.a");
  CHECK(problem(R"({"weight_map": {"a": "s3.safetensors"}})").where == dir.path("s3.safetensors").string());
  CHECK(problem(R"({"weight_map": {"c": "s1.safetensors"}})").what == "tensor 'c' is missing");

  write_safetensors(dir.path("s2.safetensors"), {{"a", TensorType::f32, {6}, bytes_of(kFloats)},
                                                 {"b", TensorType::f32, {6}, bytes_of(kFloats)}});
  const Problem twice = problem(R"({"weight_map": {"a": "s1.safetensors", "b": "s2.safetensors"}})");
  CHECK(twice.where == dir.path("s2.safetensors").string() + ": tensor 'a'");
  CHECK(twice.what == "the tensor is in two shards");

  write_safetensors(dir.path("model.safetensors"), {{"only", TensorType::f32, {1}, bytes_of(one)}});
  CHECK(SafetensorsSet(dir.root()).names() == std::vector<std::string>{"only"});
}

}  // namespace toptheta
