// Tensors in safetensors files: an 8-byte little-endian header length, a JSON header, then the data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

class MappedFile;

// The element types that have a name here. A file may hold tensors of other types, whose data are only bytes.
enum class TensorType { f32, f16, bf16, f64, i64, i32, i16, i8, u64, u32, u16, u8, boolean, other };

struct Tensor {
  std::string name;
  TensorType type = TensorType::other;
  std::string type_name;             // as in the file: "BF16"
  std::vector<std::int64_t> shape;   // row-major
  std::span<const std::byte> data;   // in the mapped file; not necessarily aligned
  std::string where;                 // "model.safetensors: tensor 'lm_head.weight'", for messages
  const MappedFile* file = nullptr;  // the file that `data` lies in

  [[nodiscard]] std::int64_t size() const;  // elements
  // Drops elements first ... first + count - 1 from memory; they are read again when they are next touched.
  void release(std::int64_t first, std::int64_t count) const;
};

// The tensor's elements as floats, exactly. Throws InputError unless its type is F32, F16 or BF16.
std::vector<float> floats_of(const Tensor& tensor);

// One file, mapped into memory. Opening it reads only the header; the data are read page by page as tensors
// are touched. The file must not change meanwhile.
class SafetensorsFile {
 public:
  // Throws InputError, naming file and tensor, unless the header is complete and well-formed, every tensor's
  // span of bytes is exactly its shape times its element size, and the spans cover the data without gaps or
  // overlaps, as the format requires.
  explicit SafetensorsFile(const std::filesystem::path& path);

  [[nodiscard]] const std::vector<Tensor>& tensors() const { return tensors_; }  // by name
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const Tensor* find(std::string_view name) const;  // or null

 private:
  std::shared_ptr<const MappedFile> mapping_;
  std::vector<Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// The tensors of a model directory: model.safetensors, or all tensors of the shards that
// model.safetensors.index.json lists, also those that it does not name; or those of one file, where the path
// is one.
class SafetensorsSet {
 public:
  // Also throws InputError if the directory holds neither, a shard is missing or lacks a tensor that the
  // index says it holds, or two shards hold tensors of one name.
  explicit SafetensorsSet(const std::filesystem::path& path);
  SafetensorsSet(SafetensorsSet&&) = default;
  SafetensorsSet& operator=(SafetensorsSet&&) = default;
  SafetensorsSet(const SafetensorsSet&) = delete;
  SafetensorsSet& operator=(const SafetensorsSet&) = delete;
  ~SafetensorsSet() = default;

  [[nodiscard]] const Tensor* find(std::string_view name) const;  // or null
  [[nodiscard]] std::vector<std::string> names() const;           // ascending
  // The file with the weights, or the index; for messages about missing tensors.
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  void add_shards(const std::filesystem::path& index);
  void add_unlisted(const std::filesystem::path& index);

  std::string where_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const Tensor*, std::less<>> tensors_;  // in files_, whose tensors do not move
};

// A tensor to write. `data` is little-endian and holds exactly the elements of `shape`.
struct TensorToWrite {
  std::string name;
  TensorType type = TensorType::f32;  // not `other`
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

// Writes the file atomically, with the tensors in the order given; their names must differ. Throws
// UnfinishedError.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace toptheta
