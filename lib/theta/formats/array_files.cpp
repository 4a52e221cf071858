#include "theta/formats/array_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "io/safetensors.hpp"
#include "io/zip_writer.hpp"
#include "theta/formats/meta_json.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/formats/table_columns.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

// An array, little-endian like every machine that this runs on.
struct Array {
  std::string name;
  TensorType type = TensorType::u8;
  std::string numpy_type;  // "<f8"
  std::vector<std::int64_t> shape{};
  std::string bytes{};
};

template <class T>
constexpr std::pair<TensorType, const char*> type_of() {
  if constexpr (std::is_same_v<T, double>)
    return {TensorType::f64, "<f8"};
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return {TensorType::i64, "<i8"};
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return {TensorType::i32, "<i4"};
  else
    return {TensorType::u8, "|u1"};
}

template <class T>
Array array_of(std::string name, const std::vector<T>& values) {
  const auto [type, numpy_type] = type_of<T>();
  Array array{std::move(name), type, numpy_type, {static_cast<std::int64_t>(values.size())}, {}};
  array.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

void add_target(std::vector<Array>& arrays, const Target& target, std::int64_t num_heads) {
  const auto add = [&](std::string_view name, const auto& values) {
    arrays.push_back(array_of(fmt::format("{}/{}", target.k, name), values));
  };
  add("layer_k", stored_k(target.layer_k));
  if (!target.head_k.empty()) add("head_k", stored_k(target.head_k));
  for_each_column(columns_from(target, num_heads), add);
  if (!target.has_rho_laws()) return;
  add("rho_law", stored_rho_laws(target));
  arrays.back().shape = {static_cast<std::int64_t>(target.cells.size()), kLawTerms};
}

std::vector<Array> arrays_of(const ThresholdTable& table, std::int64_t k) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  std::vector<std::int64_t> all_k;
  all_k.reserve(targets.size());
  for (const Target* target : targets)
    all_k.push_back(target->k);
  std::vector<Array> arrays = {array_of("k", all_k)};
  for (const Target* target : targets)
    add_target(arrays, *target, table.meta.shape.num_heads);
  return arrays;
}

std::string about(const ThresholdTable& table) {
  return dump_json(nlohmann::ordered_json{{"meta", json_from(table.meta)},
                                          {"provenance", json_from(table.meta.provenance)}});
}

// The inside of a Python tuple: "3," or "3, 2".
std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.size() == 1 ? fmt::format("{},", shape[0]) : fmt::format("{}, {}", shape[0], shape[1]);
}

// The array as a numpy .npy file, version 1.0.
std::string npy_of(const Array& array) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   array.numpy_type, shape_text(array.shape));
  constexpr std::size_t kMagic = 10;  // bytes before the header
  const std::size_t padded = (kMagic + header.size() + 1 + 63) / 64 * 64 - kMagic;
  header.resize(padded - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  return bytes + header + array.bytes;
}

}  // namespace

void write_npz(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  std::vector<Array> arrays = arrays_of(table, k);
  const std::string text = about(table);
  arrays.push_back(array_of("about", std::vector<std::uint8_t>(text.begin(), text.end())));
  ZipWriter zip(path);
  for (const Array& array : arrays)
    zip.add(array.name + ".npy", npy_of(array));
  zip.commit();
}

void write_safetensors(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  std::vector<Array> arrays = arrays_of(table, k);
  // Readers may map the file: larger elements come first, so that every array is aligned.
  std::stable_sort(arrays.begin(), arrays.end(), [](const Array& a, const Array& b) {
    return a.type != TensorType::i32 && b.type == TensorType::i32;
  });
  std::vector<TensorToWrite> tensors;
  tensors.reserve(arrays.size());
  for (const Array& array : arrays)
    tensors.push_back({array.name, array.type, array.shape, std::as_bytes(std::span(array.bytes))});
  write_safetensors(path, tensors, {{"toptheta", about(table)}});
}

}  // namespace toptheta
