#include "io/gguf.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "io/gguf_cursor.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

static_assert(std::endian::native == std::endian::little, "GGUF data are little-endian and used in place");

namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kMostDimensions = 4;  // ggml's own limit
constexpr std::uint64_t kDefaultAlignment = 32;

std::uint32_t read_version(GgufCursor& cursor) {
  cursor.enter("header");
  const auto magic = cursor.take(kMagic.size(), "not a GGUF file: too short");
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic)
    throw InputError({.where = cursor.file(),
                      .what = "not a GGUF file",
                      .expected = "'GGUF' as its first four bytes",
                      .next = "give a .gguf file or a Hugging Face model directory"});
  const auto version = cursor.number<std::uint32_t>();
  if (version == 2 || version == 3) return version;
  const std::uint32_t swapped =
      version >> 24 | (version >> 8 & 0xFF00U) | (version << 8 & 0xFF0000U) | version << 24;
  if (swapped > 0 && swapped <= 0xFF)
    cursor.fail({.what = "a big-endian file",
                 .expected = "a little-endian file",
                 .found = fmt::format("version {} with its bytes reversed", swapped),
                 .next = "convert the model for little-endian machines"});
  cursor.fail({.what = "an unsupported version of GGUF",
               .expected = "2 or 3",
               .found = fmt::format("{}", version),
               .next = "convert the model again with a current llama.cpp"});
}

// Reads the number of entries that follow. Refuses one that could not fit into the file.
std::uint64_t read_count(GgufCursor& cursor, const char* of, std::uint64_t least_bytes) {
  const auto count = cursor.number<std::uint64_t>();
  if (count > cursor.left() / least_bytes)
    cursor.fail({.what = fmt::format("more {} than the file has room for", of),
                 .expected = fmt::format("at most {}", cursor.left() / least_bytes),
                 .found = fmt::format("{}", count),
                 .next = "the file is truncated or damaged: fetch it again"});
  return count;
}

std::map<std::string, GgufValue, std::less<>> read_metadata(GgufCursor& cursor, std::uint64_t count) {
  std::map<std::string, GgufValue, std::less<>> metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    cursor.enter(fmt::format("metadata entry {} of {}", i + 1, count));
    std::string key = cursor.name("a key");
    cursor.enter(fmt::format("key '{}'", key));
    if (metadata.contains(key)) cursor.fail({.what = "the key appears twice", .expected = "every key once"});
    GgufValue value = read_gguf_value(cursor);
    metadata.emplace(std::move(key), std::move(value));
  }
  return metadata;
}

std::uint64_t alignment_of(const GgufFile& file) {
  constexpr std::string_view kKey = "general.alignment";
  GgufKeys keys(file);
  const auto alignment = keys.whole(kKey);
  if (!alignment) return kDefaultAlignment;
  if (*alignment <= 0 || !std::has_single_bit(static_cast<std::uint64_t>(*alignment)))
    throw InputError({.where = keys.where(kKey),
                      .what = "an alignment that is not valid",
                      .expected = "a power of two",
                      .found = fmt::format("{}", *alignment)});
  return static_cast<std::uint64_t>(*alignment);
}

// A tensor of the directory, and where the file says its data begin.
struct Entry {
  GgufTensor tensor;
  std::uint64_t offset = 0;  // from the beginning of the data
  std::uint64_t bytes = 0;
};

std::vector<std::int64_t> read_shape(GgufCursor& cursor) {
  const auto dimensions = cursor.number<std::uint32_t>();
  if (dimensions == 0 || dimensions > kMostDimensions)
    cursor.fail({.what = "a number of dimensions that is not valid",
                 .expected = fmt::format("1 to {}", kMostDimensions),
                 .found = fmt::format("{}", dimensions)});
  std::vector<std::int64_t> shape(dimensions);
  std::uint64_t elements = 1;
  for (auto dim = shape.rbegin(); dim != shape.rend(); ++dim) {  // the file lists the last dimension first
    const auto size = cursor.number<std::uint64_t>();
    // A tensor of 2^56 elements of at most 8 bytes does not overflow 64 bits, and no file is that large.
    constexpr std::uint64_t kMostElements = std::uint64_t{1} << 56;
    if (size == 0 || size > kMostElements / elements)
      cursor.fail({.what = size == 0 ? "a dimension of size 0" : "an absurdly large tensor",
                   .expected = "at least one element and at most 2^56",
                   .found = fmt::format("a dimension of {}", size)});
    elements *= size;
    *dim = static_cast<std::int64_t>(size);
  }
  return shape;
}

Entry read_entry(GgufCursor& cursor, std::uint64_t index, std::uint64_t count) {
  Entry entry;
  GgufTensor& tensor = entry.tensor;
  cursor.enter(fmt::format("tensor {} of {}", index + 1, count));
  tensor.name = cursor.name("a tensor's name");
  tensor.where = fmt::format("{}: tensor '{}'", cursor.file(), tensor.name);
  cursor.enter(fmt::format("tensor '{}'", tensor.name));
  tensor.shape = read_shape(cursor);
  const auto number = cursor.number<std::uint32_t>();
  const GgufTypeInfo* type = find_gguf_type(number);
  if (type == nullptr)
    throw InputError({.where = tensor.where,
                      .what = "an unsupported tensor type",
                      .expected = readable_gguf_types(),
                      .found = shown_gguf_type(number),
                      .next = "use the model in another quantisation"});
  tensor.type = type->type;
  if (tensor.shape.back() % type->elements != 0)
    throw InputError({.where = tensor.where,
                      .what = "rows that are not whole blocks",
                      .expected = fmt::format("a multiple of {} for {}", type->elements, type->name),
                      .found = fmt::format("[{}]", fmt::join(tensor.shape, ", "))});
  entry.bytes = static_cast<std::uint64_t>(tensor.size()) / type->elements * type->bytes;
  entry.offset = cursor.number<std::uint64_t>();
  return entry;
}

// Finds the data of each tensor. `data` is everything after the directory and its padding.
void place(std::vector<Entry>& entries, std::span<const std::byte> data, std::uint64_t alignment) {
  for (Entry& entry : entries) {
    const std::string& where = entry.tensor.where;
    if (entry.offset % alignment != 0)
      throw InputError({.where = where,
                        .what = "the data are not aligned",
                        .expected = fmt::format("an offset that is a multiple of {}", alignment),
                        .found = fmt::format("{}", entry.offset)});
    if (entry.offset > data.size() || entry.bytes > data.size() - entry.offset)
      throw InputError({.where = where,
                        .what = "the data lie outside the file; it may be truncated",
                        .expected = fmt::format("within the {} bytes after the directory", data.size()),
                        .found = fmt::format("{} bytes at offset {}", entry.bytes, entry.offset),
                        .next = "fetch the file again"});
    entry.tensor.data = data.subspan(entry.offset, entry.bytes);
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < entries.size(); ++i)
    if (entries[i].offset - entries[i - 1].offset < entries[i - 1].bytes)
      throw InputError(
          {.where = entries[i].tensor.where,
           .what = fmt::format("overlaps tensor '{}'", entries[i - 1].tensor.name),
           .expected = fmt::format("an offset from {}", entries[i - 1].offset + entries[i - 1].bytes),
           .found = fmt::format("{}", entries[i].offset),
           .next = "the file is damaged: fetch it again"});
}

}  // namespace

std::int64_t GgufTensor::size() const {
  std::int64_t elements = 1;
  for (const std::int64_t dim : shape)
    elements *= dim;
  return elements;
}

GgufFile::GgufFile(const std::filesystem::path& path)
    : where_(path.string()), mapping_(std::make_shared<MappedFile>(path)) {
  const std::span<const std::byte> bytes = mapping_->bytes();
  GgufCursor cursor(bytes, where_);
  version_ = read_version(cursor);
  constexpr std::uint64_t kLeastTensor = 8 + 1 + 4 + 8 + 4 + 8;  // name, dimensions, type, offset
  constexpr std::uint64_t kLeastEntry = 8 + 1 + 4 + 1;           // key, kind, value
  const std::uint64_t tensors = read_count(cursor, "tensors", kLeastTensor);
  const std::uint64_t keys = read_count(cursor, "metadata entries", kLeastEntry);
  metadata_ = read_metadata(cursor, keys);
  std::vector<Entry> entries;
  for (std::uint64_t i = 0; i < tensors; ++i)
    // NOLINTNEXTLINE(performance-inefficient-vector-operation): a damaged file may claim any count
    entries.push_back(read_entry(cursor, i, tensors));
  const std::uint64_t alignment = alignment_of(*this);
  const std::uint64_t past = cursor.at() % alignment;
  const std::uint64_t begin =
      std::min<std::uint64_t>(bytes.size(), cursor.at() + (past == 0 ? 0 : alignment - past));
  place(entries, bytes.subspan(begin), alignment);
  for (Entry& entry : entries)
    tensors_.push_back(std::move(entry.tensor));
  std::sort(tensors_.begin(), tensors_.end(),
            [](const GgufTensor& a, const GgufTensor& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(tensors_.begin(), tensors_.end(),
                         [](const GgufTensor& a, const GgufTensor& b) { return a.name == b.name; });
  if (twice != tensors_.end())
    throw InputError(
        {.where = twice->where, .what = "the tensor appears twice", .expected = "every name once"});
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const GgufTensor& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void GgufFile::release(std::span<const std::byte> data) const {
  mapping_->release(data);
}

std::vector<float> floats_of(const GgufTensor& tensor) {
  std::vector<float> floats(static_cast<std::size_t>(tensor.size()));
  const GgufTypeInfo& info = gguf_type_info(tensor.type);
  const auto width = static_cast<std::size_t>(tensor.shape.back());
  const std::size_t row_bytes = width / info.elements * info.bytes;
  parallel_for(static_cast<std::int64_t>(floats.size() / width), [&](std::int64_t row) {
    const auto r = static_cast<std::size_t>(row);
    widen_gguf(tensor.type, tensor.data.subspan(r * row_bytes, row_bytes),
               std::span(floats).subspan(r * width, width));
  });
  return floats;
}

}  // namespace toptheta
