#include "io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.hpp"
#include "core/half.hpp"
#include "io/mapped_file.hpp"
#include "io/tensor_type.hpp"

namespace toptheta {

static_assert(std::endian::native == std::endian::little,
              "safetensors data are little-endian and used in place");

namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit

// The JSON header of a file of which `bytes` is everything.
json parse_header(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes)
    throw InputError({.where = file,
                      .what = "not a safetensors file: too short",
                      .found = fmt::format("{} bytes", bytes.size())});
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLongestHeader || length > bytes.size() - kLengthBytes) {
    throw InputError({.where = file,
                      .what = "truncated, or not a safetensors file: the header does not fit into the file",
                      .expected = fmt::format("a header of {} bytes", length),
                      .found = fmt::format("{} bytes in the file", bytes.size())});
  }
  std::string text(length, '\0');
  std::memcpy(text.data(), bytes.data() + kLengthBytes, length);
  json header;
  try {
    header = json::parse(text);
  } catch (const json::exception& error) {
    throw InputError({.where = file, .what = "the header is not JSON", .found = error.what()});
  }
  if (!header.is_object()) throw InputError({.where = file, .what = "the header is not a JSON object"});
  return header;
}

[[noreturn]] void fail(const Tensor& tensor, std::string what) {
  throw InputError({.where = tensor.where, .what = std::move(what)});
}

// A list of numbers that are not negative and fit 63 bits; nothing else counts as one.
std::optional<std::vector<std::int64_t>> whole_numbers(const json& entry, const char* field) {
  const auto found = entry.find(field);
  if (found == entry.end() || !found->is_array()) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const json& number : *found) {
    if (!number.is_number_unsigned()) return std::nullopt;
    const auto value = number.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    numbers.push_back(static_cast<std::int64_t>(value));
  }
  return numbers;
}

// Bytes that a shape takes; nothing if they do not fit 63 bits.
std::optional<std::int64_t> bytes_of(const std::vector<std::int64_t>& shape, std::int64_t element_bytes) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t bytes = element_bytes;
  for (const std::int64_t dim : shape) {
    if (dim > std::numeric_limits<std::int64_t>::max() / bytes) return std::nullopt;
    bytes *= dim;
  }
  return bytes;
}

Tensor parse_tensor(const std::string& file, const std::string& name, const json& entry,
                    std::span<const std::byte> data) {
  Tensor tensor;
  tensor.name = name;
  tensor.where = fmt::format("{}: tensor '{}'", file, name);
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string()) fail(tensor, "no dtype");
  tensor.type_name = entry["dtype"].get<std::string>();
  const auto shape = whole_numbers(entry, "shape");
  const auto offsets = whole_numbers(entry, "data_offsets");
  if (!shape) fail(tensor, "the shape is not a list of whole numbers");
  if (!offsets || offsets->size() != 2) fail(tensor, "data_offsets are not two whole numbers");
  tensor.shape = *shape;
  const std::int64_t begin = (*offsets)[0];
  const std::int64_t end = (*offsets)[1];
  if (begin > end || end > static_cast<std::int64_t>(data.size())) {
    throw InputError({.where = tensor.where,
                      .what = "the data lie outside the file; it may be truncated",
                      .expected = fmt::format("bytes within 0 ... {}", data.size()),
                      .found = fmt::format("bytes {} ... {}", begin, end)});
  }
  const auto info = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                 [&](const TensorTypeInfo& known) { return known.name == tensor.type_name; });
  if (info == kTensorTypes.end())
    throw InputError({.where = tensor.where, .what = "unknown dtype", .found = tensor.type_name});
  tensor.type = info->type;
  const auto bytes = bytes_of(tensor.shape, info->bytes);
  if (!bytes || *bytes != end - begin) {
    throw InputError(
        {.where = tensor.where,
         .what = "shape and data disagree",
         .expected = fmt::format("{} of shape [{}]", tensor.type_name, fmt::join(tensor.shape, ", ")),
         .found = fmt::format("{} bytes", end - begin)});
  }
  tensor.data = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return tensor;
}

// The format wants every byte to belong to exactly one tensor.
void require_contiguous(const std::vector<Tensor>& tensors, std::span<const std::byte> data,
                        const std::string& file) {
  std::vector<const Tensor*> order;
  order.reserve(tensors.size());
  for (const Tensor& tensor : tensors)
    order.push_back(&tensor);
  // An empty tensor stands before the one that starts at the same byte.
  std::stable_sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return a->data.data() != b->data.data() ? a->data.data() < b->data.data()
                                            : a->data.size() < b->data.size();
  });
  const std::byte* next = data.data();
  for (const Tensor* tensor : order) {
    if (tensor->data.data() != next)
      fail(*tensor, tensor->data.data() < next ? "overlaps the tensor before it"
                                               : "leaves a gap to the tensor before it");
    next += tensor->data.size();
  }
  const auto rest = data.data() + data.size() - next;
  if (rest != 0)
    throw InputError({.where = file, .what = fmt::format("{} bytes at the end belong to no tensor", rest)});
}

template <class Convert>
void convert_16(const Tensor& tensor, std::vector<float>& floats, const Convert& convert) {
  for (std::size_t i = 0; i < floats.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, tensor.data.data() + 2 * i, sizeof bits);
    floats[i] = convert(bits);
  }
}

}  // namespace

std::int64_t Tensor::size() const {
  std::int64_t elements = 1;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  for (const std::int64_t dim : shape)
    elements *= dim;
  return elements;
}

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> floats(static_cast<std::size_t>(tensor.size()));
  switch (tensor.type) {
    case TensorType::f32:
      if (!floats.empty()) std::memcpy(floats.data(), tensor.data.data(), tensor.data.size());
      break;
    case TensorType::f16:
      convert_16(tensor, floats, float_from_f16);
      break;
    case TensorType::bf16:
      convert_16(tensor, floats, float_from_bf16);
      break;
    default:
      throw InputError({.where = tensor.where,
                        .what = "cannot be used as floating-point numbers",
                        .expected = "F32, F16 or BF16",
                        .found = tensor.type_name});
  }
  return floats;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : mapping_(std::make_shared<MappedFile>(path)) {
  const std::string file = path.string();
  const json header = parse_header(mapping_->bytes(), file);
  std::uint64_t length = 0;
  std::memcpy(&length, mapping_->bytes().data(), kLengthBytes);
  const std::span<const std::byte> data = mapping_->bytes().subspan(kLengthBytes + length);
  for (const auto& [name, entry] : header.items()) {  // in name order: nlohmann::json sorts its keys
    if (name != "__metadata__") {
      tensors_.push_back(parse_tensor(file, name, entry, data));
      continue;
    }
    const bool texts = entry.is_object() && std::all_of(entry.begin(), entry.end(),
                                                        [](const json& value) { return value.is_string(); });
    if (!texts) throw InputError({.where = file, .what = "__metadata__ is not an object of strings"});
    metadata_ = entry.get<std::map<std::string, std::string>>();
  }
  require_contiguous(tensors_, data, file);
}

const Tensor* SafetensorsFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const Tensor& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace toptheta
