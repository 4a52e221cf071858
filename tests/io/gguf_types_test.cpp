#include "io/gguf_types.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include "io/gguf.hpp"
#include "io/hdf5.hpp"
#include "support/catch.hpp"

namespace toptheta {
namespace {

struct GoldenBlock {
  GgufTensorType type;
  std::vector<std::pair<std::size_t, std::uint16_t>> halves;  // what stands at these bytes: scales
  std::uint64_t hash;                                         // FNV-1a of the values' bytes
  double second;
  double last;
};

// Values of the Python package gguf 0.17 (its `quants.dequantize`) for blocks whose byte i is 7 i^2 + 37 i
// + 11.
const std::vector<GoldenBlock>& golden_blocks() {
  static const std::vector<GoldenBlock> blocks = {
      {GgufTensorType::q8_0, {{0, 0x2c3d}}, 0x66ebfc7bb9840ba1U, -0x1.2cebp+2, -0x1.bd05p+2},
      {GgufTensorType::q4_0, {{0, 0xac3d}}, 0x21d7dd853a8154f8U, -0x1.0f4p-4, 0x1.0f4p-3},
      {GgufTensorType::q4_1, {{0, 0x2c3d}, {2, 0xb111}}, 0x9911c29b0012117aU, 0x1.4a8p-5, 0x1.02p-1},
      {GgufTensorType::q5_0, {{0, 0x2c3d}}, 0x0afe23a3ffa9c2a7U, -0x1.74f8p-1, -0x1.dabp-1},
      {GgufTensorType::q5_1, {{0, 0x2c3d}, {2, 0x3111}}, 0xe5a33f670aaf4434U, 0x1.1b0ap+1, 0x1.04ecp+0},
      {GgufTensorType::q2_k, {{80, 0x2c3d}, {82, 0x2f01}}, 0xafff1d1dc8916af3U, 0x1.17bap+1, -0x1.1828p-1},
      {GgufTensorType::q3_k, {{108, 0x2c3d}}, 0x2e5d93def9e2da27U, 0x1.574dp+2, 0},
      {GgufTensorType::q4_k, {{0, 0x2c3d}, {2, 0x2f01}}, 0x63dd8885f4263aadU, 0x1.5f48p+0, 0x1.32a8p+4},
      {GgufTensorType::q5_k, {{0, 0x2c3d}, {2, 0x2f01}}, 0xc1026c36fbe837d7U, 0x1.14408p+4, 0x1.ea67p+3},
      {GgufTensorType::q6_k, {{208, 0x0003}}, 0x542b7ba2ee6d034eU, -0x1.c92p-13, 0x1.e2ap-12},
      {GgufTensorType::iq4_nl, {{0, 0x2c3d}}, 0xeb91491b089a7cc6U, 0x1.b8c8p-1, -0x1.74f8p+0},
      {GgufTensorType::mxfp4, {}, 0xa78e51d0a8f3ad33U, 0x1p-117, 0x1.8p-115}};
  return blocks;
}

std::uint64_t fnv1a(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte b : bytes)
    hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
  return hash;
}

}  // namespace

TEST_CASE("blocks of every quantised type have the values of gguf's own reference") {
  for (const GoldenBlock& golden : golden_blocks()) {
    const GgufTypeInfo& info = gguf_type_info(golden.type);
    INFO(info.name);
    std::vector<std::byte> bytes(info.bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>((i * i * 7 + i * 37 + 11) & 0xFFU);
    for (const auto& [at, half] : golden.halves)
      std::memcpy(bytes.data() + at, &half, sizeof half);
    std::vector<float> values(info.elements);
    widen_gguf(golden.type, bytes, values);
    CHECK(double{values[1]} == golden.second);
    CHECK(double{values.back()} == golden.last);
    CHECK(fnv1a(std::as_bytes(std::span(values))) == golden.hash);
  }
}

TEST_CASE("codes, scales and least values make the values") {
  for (const GoldenBlock& golden : golden_blocks()) {
    const GgufTypeInfo& info = gguf_type_info(golden.type);
    INFO(info.name);
    std::vector<std::byte> bytes(info.bytes, std::byte{0x2B});
    std::vector<float> values(info.elements);
    widen_gguf(golden.type, bytes, values);
    GgufBlock block;
    decode_gguf_block(golden.type, bytes.data(), block);
    for (std::size_t i = 0; i < info.elements; ++i) {
      REQUIRE(block.codes[i] <= info.largest_code);
      const double value = double{block.scales[i / info.group]} * (block.codes[i] - info.zero) +
                           (info.has_least ? double{block.least[i / info.group]} : 0.0);
      REQUIRE(static_cast<float>(value) == Approx(values[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("plain numbers are exact, and a subnormal scale counts") {
  const std::vector<std::uint16_t> halves = {0x3c00, 0x0001, 0xc000};
  std::vector<float> values(3);
  widen_gguf(GgufTensorType::f16, std::as_bytes(std::span(halves)), values);
  CHECK(values == std::vector<float>{1, 0x1p-24F, -2});
  widen_gguf(GgufTensorType::bf16, std::as_bytes(std::span(halves)), values);
  CHECK(values[2] == std::bit_cast<float>(0xc0000000U));

  std::vector<std::byte> block(34, std::byte{0});
  block[0] = std::byte{1};     // 2^-24
  block[2] = std::byte{0x80};  // -128
  std::vector<float> wide(32);
  widen_gguf(GgufTensorType::q8_0, block, wide);
  CHECK(wide[0] == -0x1p-17F);
}

TEST_CASE("a file with a tensor of every type has the reference's values") {
  const std::filesystem::path folder = "../shared/data/gguf_types";
  if (!std::filesystem::exists(folder / "types.gguf")) {
    WARN("skipped: no " + folder.string());
    return;
  }
  const GgufFile file(folder / "types.gguf");
  const auto reference = hdf5::File::open(folder / "types.h5");
  CHECK(file.tensors().size() == 15);
  for (const GgufTensor& tensor : file.tensors()) {
    INFO(tensor.name);
    const std::vector<float> expected = reference.root().open_dataset(tensor.name).read<float>();
    const std::vector<float> found = floats_of(tensor);
    REQUIRE(found.size() == expected.size());
    // To the last bit, signs of zero included.
    CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
  }
}

}  // namespace toptheta
