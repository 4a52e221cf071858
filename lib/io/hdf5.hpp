// HDF5 files behind handles that close themselves: the only room that includes hdf5.h.
//
// Files are foreign: a damaged one is found by a child process first (io/hdf5_probe.hpp), and nothing outside
// the opened file is followed: external links, external raw storage and virtual data sets are refused.
//
// Not thread-safe: the HDF5 library keeps global state, so all calls of a process must come one after the
// other; call from one thread only. Errors: wrong content, or a file that cannot be read, throws InputError;
// a failed write UnfinishedError. `where` is "file:/path/of/object", and the library's own innermost reason
// is quoted. The library itself prints nothing. Files written here carry no times: equal calls give equal
// bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta::hdf5 {

using Dims = std::vector<std::int64_t>;

// "[8, 12, 512]"
std::string format_dims(const Dims& dims);

// The element types that this project reads or writes, of either byte order. bf16: a 16-bit unsigned integer
// with an attribute dtype = "bfloat16", or a floating-point type of that layout.
enum class Element { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, other };
// "float16", "int32", ...; "another type" for `other`.
std::string_view name_of(Element element);
std::int64_t size_of(Element element);  // bytes; 0 for `other`
constexpr bool is_integer(Element element) {
  return element >= Element::i8 && element <= Element::u64;
}

// How a new data set is stored: contiguous where `chunk` is empty.
struct Storage {
  Dims chunk{};
  int gzip_level = 0;      // 0 ... 9; above 0 needs chunks, and shuffles bytes first
  std::int64_t cache = 0;  // bytes of chunks kept in memory while writing; 0: the library's default
};

// A box of a data set: `count` elements from `offset` on, along every axis.
struct Box {
  Dims offset;
  Dims count;
};

// An owned HDF5 identifier; hid_t is a 64-bit integer since HDF5 1.10.
class Handle {
 public:
  using Close = int (*)(std::int64_t);
  Handle() = default;
  Handle(std::int64_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] std::int64_t id() const { return id_; }

 private:
  std::int64_t id_ = -1;
  Close close_ = nullptr;
};

// What groups and data sets share: a place in the file, and attributes.
class Object {
 public:
  // "file:/path/of/object", for messages.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] const std::string& file() const { return *file_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] bool has_attribute(const std::string& name) const;
  // Attributes of one element, scalar or an array of length 1. Throw InputError if missing or of another
  // kind.
  [[nodiscard]] std::int64_t int_attribute(const std::string& name) const;  // an integer of any width
  [[nodiscard]] double float_attribute(const std::string& name) const;      // a float or integer of any width
  [[nodiscard]] std::string text_attribute(
      const std::string& name) const;  // fixed or variable length, valid UTF-8
  [[nodiscard]] std::vector<std::string> texts_attribute(const std::string& name) const;  // one-dimensional

  // The attribute must not exist yet.
  void write_attribute(const std::string& name, std::int64_t value);
  void write_attribute(const std::string& name, double value);
  void write_attribute(const std::string& name, std::string_view value);
  void write_attribute(const std::string& name, const char* value) {
    write_attribute(name, std::string_view(value));
  }
  void write_attribute(const std::string& name, const std::vector<std::string>& values);

 protected:
  Object(Handle handle, std::shared_ptr<const std::string> file, std::string path)
      : handle_(std::move(handle)), file_(std::move(file)), path_(std::move(path)) {}
  [[nodiscard]] std::int64_t id() const { return handle_.id(); }
  [[nodiscard]] const std::shared_ptr<const std::string>& shared_file() const { return file_; }
  [[nodiscard]] std::string child_path(const std::string& name) const;

 private:
  Handle handle_;
  std::shared_ptr<const std::string> file_;
  std::string path_;
};

class Dataset : public Object {
 public:
  [[nodiscard]] const Dims& dims() const { return dims_; }
  [[nodiscard]] Element element() const { return element_; }
  // Elements in all. Dimensions whose product does not fit are refused on opening.
  [[nodiscard]] std::int64_t size() const { return size_; }
  // Empty unless the data set is chunked.
  [[nodiscard]] Dims chunk() const;
  // Bytes that the elements take in the file, compressed or not; 0 where space was declared but nothing was
  // ever written. Throws InputError where the file is not large enough. Time: reads the index of the chunks.
  [[nodiscard]] std::int64_t stored_bytes() const;
  // Throws InputError, naming the first part that is missing, unless every element of `boxes` was written:
  // what was not would be read as the fill value, usually 0. `axes` names the dimensions for the message:
  // {"head", "row", "key"}. Only chunks can be told apart; in an early allocation everything counts as
  // written.
  void require_written(std::span<const Box> boxes, std::span<const std::string_view> axes) const;
  // Where in the file the elements stand one after the other in the machine's byte order; nothing where they
  // do not: chunked, compact, virtual or external storage, the other byte order, or never written.
  [[nodiscard]] std::optional<std::int64_t> plain_offset() const;

  // Everything, converted by HDF5 to T (float, double, or an integer of 8 ... 64 bits); integers saturate.
  // Throws InputError unless everything was written.
  // Throws InputError if the data set holds integers (bfloat16 among them) and T is a float or the other way
  // round.
  template <class T>
  [[nodiscard]] std::vector<T> read() const;
  // The elements of `boxes` (which must not overlap) in the order in which the data set holds them. `out`
  // must be exactly as large. T as above.
  template <class T>
  void read(std::span<const Box> boxes, std::span<T> out) const;
  // The same for 16-bit elements of any kind, as bit patterns in the machine's byte order, without conversion
  // (the library's own conversion of float16 is some hundred times slower than kernels/convert.hpp).
  void read_raw16(std::span<const Box> boxes, std::span<std::uint16_t> out) const;

  // Everything, flushed; or one box. T must be of the data set's own kind: float, double, integers.
  template <class T>
  void write(std::span<const T> values);
  template <class T>
  void write(const Box& box, std::span<const T> values);
  // Bytes that already have the layout of element(), little-endian (float16 and bfloat16 among them).
  void write_raw(const Box& box, std::span<const std::byte> bytes);
  // After the last box: reports what the destructor would have to hide.
  void flush();

 private:
  friend class Group;
  friend class ChunkedDataset;
  Dataset(Handle handle, std::shared_ptr<const std::string> file, std::string path);
  [[nodiscard]] Box whole() const { return {Dims(dims_.size(), 0), dims_}; }
  // `elements` is how many the boxes must hold together.
  [[nodiscard]] Handle select(std::span<const Box> boxes, std::int64_t elements) const;
  void read_as(std::int64_t memory_type, std::span<const Box> boxes, std::int64_t elements, void* out) const;
  void write_as(std::int64_t memory_type, const Box& box, std::int64_t elements, const void* values);

  Dims dims_;
  Element element_ = Element::other;
  std::int64_t size_ = 0;
};

class Group : public Object {
 public:
  // Names of all links, in name order (bytewise).
  [[nodiscard]] std::vector<std::string> links() const;
  [[nodiscard]] bool has(const std::string& name) const;
  // Throw InputError if missing or of another kind. `name` is one link's name.
  [[nodiscard]] Group open_group(const std::string& name) const;
  // `chunk_cache`: bytes of decoded chunks to keep, where not 0; has no effect while another handle holds the
  // data set.
  [[nodiscard]] Dataset open_dataset(const std::string& name, std::int64_t chunk_cache = 0) const;

  Group create_group(const std::string& name);
  // bf16 is written as uint16 with an attribute dtype = "bfloat16".
  Dataset create_dataset(const std::string& name, Element element, const Dims& dims,
                         const Storage& storage = {});

  // One-dimensional, contiguous, in one go. T: float, double, or an integer of 8 ... 64 bits.
  template <class T>
  void write_vector(const std::string& name, const std::vector<T>& values);

 private:
  friend class File;
  Group(Handle handle, std::shared_ptr<const std::string> file, std::string path)
      : Object(std::move(handle), std::move(file), std::move(path)) {}
};

class File {
 public:
  // Opens for reading. Throws InputError if there is no such file, or it is no regular file, empty,
  // truncated, damaged, held by a writer or not HDF5.
  static File open(const std::filesystem::path& path);
  // Creates or replaces. `shown` is the name to put into messages: give the target's where `path` is
  // temporary.
  static File create(const std::filesystem::path& path, const std::string& shown);

  // A file in memory, to be written; image() gives its bytes, those of the file that create() would write.
  static File create_in_memory(const std::string& shown);
  [[nodiscard]] std::string image() const;
  // A file whose bytes are these (which are copied). Throws InputError, naming `shown`, unless they are HDF5.
  static File open_image(std::string_view bytes, const std::string& shown);
  // Opens a file that another process may be writing under SWMR (docs/formats.md, "Live dumps"). What the
  // writer flushed before is seen, what it writes later need not be: open anew.
  static File open_live(const std::filesystem::path& path);

  [[nodiscard]] Group root() const;
  // Writes out everything, reporting what the destructor would have to hide. Handles of objects must be gone.
  void close();

 private:
  File(Handle handle, std::shared_ptr<const std::string> name)
      : handle_(std::move(handle)), name_(std::move(name)) {}
  Handle handle_;
  std::shared_ptr<const std::string> name_;
};

}  // namespace toptheta::hdf5
