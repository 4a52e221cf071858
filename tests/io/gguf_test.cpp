#include "io/gguf.hpp"

#include <functional>

#include "core/error.hpp"
#include "core/random.hpp"
#include "io/atomic_file.hpp"
#include "support/catch.hpp"
#include "support/gguf_bytes.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

using testing::gguf_number;
using testing::gguf_text;
using testing::GgufBytes;

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ8 = 8;

GgufBytes small_gguf() {
  GgufBytes gguf;
  gguf.text("general.architecture", "llama");
  gguf.whole("llama.block_count", 2);
  gguf.number("llama.eps", 0.5F);
  gguf.flag("llama.flag", true);
  gguf.texts("tokens", {"a", "", "bc"});
  gguf.numbers<std::int32_t>("types", 5, {3, -1, 1});
  gguf.numbers<float>("scores", 6, {0.5F, -1});
  gguf.entry("wide", 10, gguf_number<std::uint64_t>(7));
  gguf.tensor("b", {2, 3}, kF32, std::string(24, '\1'));
  gguf.tensor("a", {32}, kQ8, std::string(34, '\2'));
  return gguf;
}

Problem refused_gguf(const testing::TempDir& dir, const std::string& bytes) {
  write_file_atomically(dir.path("x.gguf"), bytes);
  try {
    const GgufFile file(dir.path("x.gguf"));
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError");
  return {};
}

Problem refused_gguf(const testing::TempDir& dir, const std::function<void(GgufBytes&)>& change) {
  GgufBytes gguf = small_gguf();
  change(gguf);
  return refused_gguf(dir, gguf.bytes());
}

}  // namespace

TEST_CASE("a GGUF file's metadata and tensors are read") {
  const testing::TempDir dir;
  GgufBytes bytes = small_gguf();
  bytes.version = GENERATE(2U, 3U);
  write_file_atomically(dir.path("x.gguf"), bytes.bytes());
  const GgufFile file(dir.path("x.gguf"));
  CHECK(file.version() == bytes.version);
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].name == "a");
  REQUIRE(file.find("b") != nullptr);
  CHECK(file.find("b")->shape == std::vector<std::int64_t>{3, 2});
  CHECK(file.find("b")->data.size() == 24);
  CHECK(file.find("a")->data[0] == std::byte{2});
  CHECK(floats_of(*file.find("b")).size() == 6);
  CHECK(floats_of(*file.find("a")).size() == 32);
  CHECK(file.find("c") == nullptr);

  GgufKeys keys(file);
  CHECK(keys.text("general.architecture") == "llama");
  CHECK(keys.whole("llama.block_count") == 2);
  CHECK(keys.number("llama.block_count") == 2.0);
  CHECK(keys.number("llama.eps") == 0.5);
  CHECK(keys.flag("llama.flag") == true);
  CHECK(keys.texts("tokens") == std::vector<std::string>{"a", "", "bc"});
  CHECK(keys.wholes("types") == std::vector<std::int64_t>{3, -1, 1});
  CHECK(keys.numbers("scores") == std::vector<double>{0.5, -1});
  CHECK_FALSE(keys.whole("nothing").has_value());
  CHECK(keys.unasked() == std::vector<std::string>{"wide"});
  keys.pass_over("wide");
  CHECK(keys.unasked().empty());
}

TEST_CASE("a key of another kind is refused by name") {
  const testing::TempDir dir;
  GgufBytes bytes = small_gguf();
  bytes.entry("huge", 10, gguf_number<std::uint64_t>(~std::uint64_t{0}));
  bytes.number("nan", std::numeric_limits<float>::quiet_NaN());
  write_file_atomically(dir.path("x.gguf"), bytes.bytes());
  const GgufFile file(dir.path("x.gguf"));
  GgufKeys keys(file);
  const auto problem = [](const auto& call) {
    try {
      call();
    } catch (const InputError& error) {
      return error.problem();
    }
    FAIL("no InputError");
    return Problem{};
  };
  const Problem text = problem([&] { (void)keys.text("llama.block_count"); });
  CHECK(text.where == dir.path("x.gguf").string() + ": key 'llama.block_count'");
  CHECK(text.expected == "a string");
  CHECK(text.found == "u32");
  CHECK(problem([&] { (void)keys.whole("llama.eps"); }).found == "f32");
  CHECK(problem([&] { (void)keys.whole("types"); }).found == "array of i32");
  CHECK(problem([&] { (void)keys.wholes("wide"); }).found == "u64");
  CHECK(problem([&] { (void)keys.flags("types"); }).found == "array of i32");
  CHECK(problem([&] { (void)keys.texts("scores"); }).found == "array of f32");
  CHECK(problem([&] { (void)keys.whole("huge"); }).expected == "at most 2^63 - 1");
  CHECK(problem([&] { (void)keys.number("nan"); }).what == "not a finite number");
  CHECK(problem([&] { (void)keys.required_whole("none"); }).what == "the key is missing");
}

TEST_CASE("headers that cannot be are refused with the place") {
  const testing::TempDir dir;
  const auto what = [&](const std::function<void(GgufBytes&)>& change) {
    return refused_gguf(dir, change).what;
  };
  CHECK(refused_gguf(dir, std::string("GG")).what == "not a GGUF file: too short");
  CHECK(refused_gguf(dir, std::string("PK\3\4 and more")).what == "not a GGUF file");
  CHECK(what([](GgufBytes& g) { g.version = 1; }) == "an unsupported version of GGUF");
  CHECK(what([](GgufBytes& g) { g.version = 4; }) == "an unsupported version of GGUF");
  CHECK(what([](GgufBytes& g) { g.version = 0x03000000; }) == "a big-endian file");
  CHECK(what([](GgufBytes& g) { g.claimed_tensors = 1LL << 60; }) ==
        "more tensors than the file has room for");
  CHECK(what([](GgufBytes& g) { g.claimed_entries = 1LL << 60; }) ==
        "more metadata entries than the file has room for");
  CHECK(what([](GgufBytes& g) { g.whole("llama.block_count", 3); }) == "the key appears twice");
  CHECK(what([](GgufBytes& g) { g.whole("general.alignment", 48); }) == "an alignment that is not valid");
  CHECK(what([](GgufBytes& g) { g.entry("x", 13, "1234"); }) == "unknown kind of value");
  CHECK(what([](GgufBytes& g) { g.entry("x", 7, "\2"); }) == "a bool is neither 0 nor 1");
  CHECK(what([](GgufBytes& g) { g.whole("a key with spaces", 1); }) == "a key that is not valid");
  CHECK(what([](GgufBytes& g) { g.whole("", 1); }) == "a key that is not valid");
  CHECK(what([](GgufBytes& g) { g.whole(std::string(70000, 'k'), 1); }) == "a key that is not valid");
  const auto list = [](std::uint32_t kind, std::uint64_t count) {
    return gguf_number(kind) + gguf_number(count);
  };
  CHECK(what([&](GgufBytes& g) { g.entry("x", 9, list(9, 1) + list(9, 1) + list(4, 0)); }).find("lists") !=
        std::string::npos);
  CHECK(what([&](GgufBytes& g) { g.entry("x", 9, list(8, 1ULL << 61)); }).find("more texts") !=
        std::string::npos);
  CHECK(what([&](GgufBytes& g) { g.entry("x", 9, list(10, 1ULL << 61)); }).find("more values") !=
        std::string::npos);
  CHECK(what([&](GgufBytes& g) {
          g.entry("x", 8, gguf_number(~std::uint64_t{0}));
        }).find("longer than the file") != std::string::npos);
  const Problem place = refused_gguf(dir, [](GgufBytes& g) { g.entry("x", 7, "\2"); });
  CHECK(place.where.find("byte ") != std::string::npos);
  CHECK(place.where.find("key 'x'") != std::string::npos);
}

TEST_CASE("tensors that cannot be are refused by name") {
  const testing::TempDir dir;
  const auto problem = [&](const std::vector<std::uint64_t>& dims, std::uint32_t type,
                           std::int64_t offset = -1) {
    return refused_gguf(dir, [&](GgufBytes& g) { g.tensor("t", dims, type, std::string(64, 'x'), offset); });
  };
  CHECK(problem({4}, 16).what == "an unsupported tensor type");
  CHECK(problem({4}, 16).found == "IQ2_XXS (16)");
  CHECK(problem({4}, 4711).found == "4711");
  CHECK(problem({33}, kQ8).what == "rows that are not whole blocks");
  CHECK(problem({16}, kF32, 2).what == "the data are not aligned");
  CHECK(problem({16}, kF32, 32).what.find("overlaps tensor 'a'") == 0);
  CHECK(problem({16}, kF32, 1 << 20).what.find("the data lie outside") == 0);
  CHECK(problem({17}, kF32).what.find("the data lie outside") == 0);

  CHECK(problem({}, kF32).what == "a number of dimensions that is not valid");
  CHECK(problem({1, 1, 1, 1, 16}, kF32).what == "a number of dimensions that is not valid");
  CHECK(problem({0, 4}, kF32).what == "a dimension of size 0");
  CHECK(problem({1ULL << 40, 1ULL << 40}, kF32).what == "an absurdly large tensor");
  CHECK(problem({1ULL << 50}, kF32).what.find("the data lie outside") == 0);
  CHECK(refused_gguf(dir, [](GgufBytes& g) { g.tensor("a", {4}, kF32, std::string(16, 'x')); }).what ==
        "the tensor appears twice");
  CHECK(refused_gguf(dir, [](GgufBytes& g) { g.tensor("\x1b[2J", {4}, kF32, std::string(16, 'x')); }).what ==
        "a tensor's name that is not valid");
}

TEST_CASE("an alignment in the file is followed") {
  const testing::TempDir dir;
  GgufBytes bytes;
  bytes.alignment = 128;
  bytes.whole("general.alignment", 128);
  bytes.tensor("a", {1}, kF32, "abcd");
  bytes.tensor("b", {1}, kF32, "efgh");
  write_file_atomically(dir.path("x.gguf"), bytes.bytes());
  const GgufFile file(dir.path("x.gguf"));
  CHECK(file.find("b")->data[0] == std::byte{'e'});
}

TEST_CASE("every truncation of a GGUF file is refused, and every mutation read or refused") {
  const testing::TempDir dir;
  const std::string good = small_gguf().bytes();
  for (std::size_t size = 0; size < good.size(); ++size)
    REQUIRE_FALSE(refused_gguf(dir, good.substr(0, size)).what.empty());

  Random random(18);
  const auto path = dir.path("x.gguf");
  int refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = good;
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
      const std::size_t at = random.below(bytes.size());
      switch (random.below(3)) {
        case 0:
          bytes[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.erase(at, 1 + random.below(9));
          break;
        default:
          bytes.insert(at, std::string(1 + random.below(9), random.below(2) == 0 ? '\xFF' : '\0'));
      }
    }
    write_file_atomically(path, bytes);
    try {
      const GgufFile file(path);
      for (const GgufTensor& tensor : file.tensors()) {
        REQUIRE(tensor.data.data() + tensor.data.size() <= file.tensors().front().data.data() + bytes.size());
        (void)floats_of(tensor);
      }
    } catch (const InputError& error) {
      CHECK_FALSE(error.problem().where.empty());
      ++refused;
    }
  }
  CHECK(refused > 1000);
}

}  // namespace toptheta
