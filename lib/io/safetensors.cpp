#include "io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "core/error.hpp"
#include "core/half.hpp"
#include "io/json_reader.hpp"
#include "io/mapped_file.hpp"
#include "io/tensor_type.hpp"

namespace toptheta {

static_assert(std::endian::native == std::endian::little,
              "safetensors data are little-endian and used in place");

namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit

// The JSON header of a file; `bytes` is the whole file.
JsonValue parse_header(std::span<const std::byte> bytes, const std::string& file) {
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
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const JsonValue header = parse_json(text, file + ":header", {.bytes = kLongestHeader});
  if (!header.is_object()) header.fail("the header is not a JSON object");
  return header;
}

[[noreturn]] void fail(const Tensor& tensor, std::string what) {
  throw InputError({.where = tensor.where, .what = std::move(what)});
}

// A field that holds a list of non-negative whole numbers.
std::vector<std::int64_t> whole_numbers(const JsonValue& entry, const char* field) {
  std::vector<std::int64_t> numbers;
  for (const JsonValue& number : entry.elements(field))
    numbers.push_back(number.integer(0, std::numeric_limits<std::int64_t>::max()));
  return numbers;
}

// The bytes that a tensor of this shape takes; nothing if the number does not fit 63 bits.
std::optional<std::int64_t> bytes_of(const std::vector<std::int64_t>& shape, std::int64_t element_bytes) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t bytes = element_bytes;
  for (const std::int64_t dim : shape) {
    if (dim > std::numeric_limits<std::int64_t>::max() / bytes) return std::nullopt;
    bytes *= dim;
  }
  return bytes;
}

Tensor parse_tensor(const std::string& file, const std::string& name, const JsonValue& entry,
                    std::span<const std::byte> data) {
  Tensor tensor;
  tensor.name = name;
  tensor.where = fmt::format("{}: tensor '{}'", file, name);
  tensor.type_name = entry.text("dtype");
  tensor.shape = whole_numbers(entry, "shape");
  const std::vector<std::int64_t> offsets = whole_numbers(entry, "data_offsets");
  if (offsets.size() != 2) entry.at("data_offsets").fail("not two offsets, the begin and the end");
  const std::vector<std::string> unread = entry.unread_keys();
  if (!unread.empty())
    throw InputError(
        {.where = entry.where(unread.front()),
         .what = "not a field of a tensor in this format",
         .expected = "dtype, shape and data_offsets",
         .next = "use a newer version of this program, or write the file again without the field"});
  const std::int64_t begin = offsets[0];
  const std::int64_t end = offsets[1];
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

// The format requires that every byte belong to exactly one tensor.
void require_contiguous(const std::vector<Tensor>& tensors, std::span<const std::byte> data,
                        const std::string& file) {
  std::vector<const Tensor*> order;
  order.reserve(tensors.size());
  for (const Tensor& tensor : tensors)
    order.push_back(&tensor);
  // An empty tensor goes before the tensor that starts at the same byte.
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

void Tensor::release(std::int64_t first, std::int64_t count) const {
  if (size() == 0) return;
  const std::size_t element = data.size() / static_cast<std::size_t>(size());
  file->release(
      data.subspan(static_cast<std::size_t>(first) * element, static_cast<std::size_t>(count) * element));
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
  const JsonValue header = parse_header(mapping_->bytes(), file);
  std::uint64_t length = 0;
  std::memcpy(&length, mapping_->bytes().data(), kLengthBytes);
  const std::span<const std::byte> data = mapping_->bytes().subspan(kLengthBytes + length);
  for (const auto& [name, entry] : header.members()) {  // in name order
    if (name != "__metadata__") {
      tensors_.push_back(parse_tensor(file, name, entry, data));
      tensors_.back().file = mapping_.get();
      continue;
    }
    for (const auto& [key, value] : entry.members())
      metadata_.emplace(key, value.text());
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
