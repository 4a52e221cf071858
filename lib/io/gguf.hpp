// GGUF, the model files of llama.cpp: metadata of typed keys, a directory of tensors, and their data, all
// little-endian, versions 2 and 3.
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

// The numbers are those of the file.
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
  list =
      9,  // of one of the others; GGUF allows lists of lists, of which no model makes use: they are refused
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// One value, or a list of values of one kind.
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
  std::vector<std::int64_t> shape;  // row-major: the reverse of the file's order; blocks run along the last
  std::span<const std::byte> data;  // in the mapped file
  std::string where;                // "model.gguf: tensor 'output.weight'", for messages

  [[nodiscard]] std::int64_t size() const;  // elements
};

// One file, mapped into memory: opening reads the metadata and the directory; the data's pages come in as
// tensors are touched. The file must not change meanwhile.
class GgufFile {
 public:
  // Throws InputError with the byte or the key or tensor at fault, unless the file is complete and
  // consistent: known version, counts and lengths that fit the file, no key or tensor twice, no lists of
  // lists, alignment a power of two, tensors of readable types in whole blocks, aligned, inside the file and
  // not overlapping. Time and memory are proportional to the metadata, whatever the counts in it claim.
  explicit GgufFile(const std::filesystem::path& path);

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }  // by name
  [[nodiscard]] const GgufTensor* find(std::string_view name) const;                 // or null
  // Takes the whole pages of a part of a tensor's data out of memory until they are touched again.
  void release(std::span<const std::byte> data) const;

 private:
  std::string where_;
  std::shared_ptr<const MappedFile> mapping_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<GgufTensor> tensors_;
};

// A tensor's elements as floats, in parallel.
std::vector<float> floats_of(const GgufTensor& tensor);

// Looks keys up by what they should be, and remembers which were asked for. Integers of every width are one
// kind to the caller, and so are floats (for which integers are taken too). Each look-up throws InputError,
// naming the key, where the value is of another kind or does not fit; without the key it returns nothing.
class GgufKeys {
 public:
  explicit GgufKeys(const GgufFile& file) : file_(&file) {}  // which must stay

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
  // Whether the value is a list; counts as asked for only by the look-up that follows.
  [[nodiscard]] bool is_list(std::string_view key) const;
  // The same, and InputError where the key is missing.
  std::string required_text(std::string_view key);
  std::int64_t required_whole(std::string_view key);
  double required_number(std::string_view key);

  // Counts a key as asked for: one that is known to change no number.
  void pass_over(std::string_view key) { asked_.emplace(key); }
  // The keys that nobody asked for, ascending.
  [[nodiscard]] std::vector<std::string> unasked() const;

 private:
  const GgufValue* look_up(std::string_view key, bool list, const char* expected);
  [[noreturn]] void missing(std::string_view key, const char* expected) const;

  const GgufFile* file_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace toptheta
