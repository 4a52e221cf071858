// GGUF, the file format of llama.cpp's models: metadata with typed keys, a directory of tensors, and their
// data. Little-endian files of versions 2 and 3 are read.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/gguf_types.hpp"

namespace toptheta {

class MappedFile;

// The values are the numbers in the file.
enum class GgufKind : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  text = 8,
  list = 9,  // of one of the other kinds; lists of lists, which GGUF allows and no model uses, are refused
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// One value, or a list of values of the same kind.
struct GgufValue {
  GgufKind kind = GgufKind::u8;  // of the value, or of the list's elements; never `list`
  bool is_list = false;
  std::uint64_t count = 1;                // elements
  std::span<const std::byte> numbers;     // in the mapped file, not aligned; empty for texts
  std::vector<std::string_view> texts{};  // in the mapped file
};

struct GgufTensor {
  std::string name;
  GgufTensorType type = GgufTensorType::f32;
  std::vector<std::int64_t> shape;  // row-major, the reverse of the file's order; blocks run along the last
  std::span<const std::byte> data;  // in the mapped file
  std::string where;                // "model.gguf: tensor 'output.weight'", for messages

  [[nodiscard]] std::int64_t size() const;  // elements
};

// One file, mapped into memory. Opening it reads the metadata and the directory; the data are read page by
// page as tensors are touched. The file must not change meanwhile.
class GgufFile {
 public:
  // Throws InputError, naming the byte, key or tensor, unless the file is complete and consistent: a known
  // version; counts and lengths that fit the file; no key or tensor twice; no lists of lists; an alignment
  // that is a power of two; tensors of supported types in whole blocks, aligned, inside the file and not
  // overlapping. Time and memory are proportional to the real size of the metadata, whatever counts they
  // claim.
  explicit GgufFile(const std::filesystem::path& path);

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }  // by name
  [[nodiscard]] const GgufTensor* find(std::string_view name) const;                 // or null
  // Drops the whole pages of a part of a tensor's data from memory; they are read again when they are next
  // touched.
  void release(std::span<const std::byte> data) const;

 private:
  std::string where_;
  std::shared_ptr<const MappedFile> mapping_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<GgufTensor> tensors_;
};

// A tensor's elements as floats, converted in parallel; see widen_gguf() for the rounding.
std::vector<float> floats_of(const GgufTensor& tensor);

// Looks up keys by the type that the caller expects, and remembers which keys were asked for. Integers of
// every width are one type to the caller, and so are floats (an integer is accepted as a float). A look-up
// returns nothing where the key is absent, and throws InputError, naming the key, where the value has another
// type or does not fit.
class GgufKeys {
 public:
  explicit GgufKeys(const GgufFile& file) : file_(&file) {}  // `file` must outlive this

  [[nodiscard]] std::string where(std::string_view key) const;  // "model.gguf: key 'llama.block_count'"
  [[nodiscard]] bool has(std::string_view key) const;           // does not count as asked for

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::int64_t> whole(std::string_view key);
  std::optional<double> number(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  std::optional<std::vector<bool>> flags(std::string_view key);
  std::optional<std::vector<std::int64_t>> wholes(std::string_view key);
  std::optional<std::vector<double>> numbers(std::string_view key);
  // Whether the key is there and holds a list; does not count as asked for.
  [[nodiscard]] bool is_list(std::string_view key) const;
  // The same, but throws InputError where the key is missing.
  std::string required_text(std::string_view key);
  std::int64_t required_whole(std::string_view key);
  double required_number(std::string_view key);

  // Counts a key as asked for: one that is known not to change any number.
  void pass_over(std::string_view key) { asked_.emplace(key); }
  // The keys of the file that nobody asked for, in ascending order.
  [[nodiscard]] std::vector<std::string> unasked() const;

 private:
  const GgufValue* look_up(std::string_view key, bool list, const char* expected);
  [[noreturn]] void missing(std::string_view key, const char* expected) const;

  const GgufFile* file_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace toptheta
