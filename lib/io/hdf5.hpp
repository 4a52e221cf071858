// HDF5 files behind handles that close themselves. Only lib/io includes hdf5.h.
//
// Files may come from anywhere. A child process first finds out whether the library survives reading a file
// (io/hdf5_probe.hpp). Nothing outside the opened file is followed: external links, external raw storage and
// virtual data sets are refused.
//
// Not thread-safe: the HDF5 library keeps global state, so all calls of a process must come from one thread
// (io/hdf5_chunks.hpp has the exception). Errors: wrong content or an unreadable file throws InputError, a
// failed write UnfinishedError. `where` in these is "file:/path/of/object", and the message quotes the
// library's own innermost reason; the library itself prints nothing. Files written here record no times, so
// equal calls write equal bytes.
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

// The element types that this project reads or writes, in either byte order. bf16 is either a 16-bit unsigned
// integer with an attribute dtype = "bfloat16" or a floating-point type with that layout.
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
  int gzip_level = 0;      // 0 ... 9; above 0 it needs chunks, and bytes are shuffled first
  std::int64_t cache = 0;  // bytes of chunks kept in memory while writing; 0: the library's default
};

// A box within a data set: along each axis `count` elements from `offset` on.
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

struct Attribute;       // io/hdf5_values.hpp
class AttributeValues;  // likewise

// The file that objects belong to: its name in messages, and the values of its attributes as a child process
// read them; null for a file that this process writes or holds in memory.
struct Origin {
  std::string name;
  std::shared_ptr<const AttributeValues> values{};
  bool live = false;  // another process may be writing it
};

// What groups and data sets have in common: a place in the file, and attributes.
class Object {
 public:
  // "file:/path/of/object", for messages.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] const std::string& file() const { return file_->name; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] bool has_attribute(const std::string& name) const;
  // Attributes that hold one element, as a scalar or an array of length 1. They throw InputError where the
  // attribute is missing or has another type.
  [[nodiscard]] std::int64_t int_attribute(const std::string& name) const;  // an integer of any width
  [[nodiscard]] double float_attribute(const std::string& name) const;      // a float or integer of any width
  [[nodiscard]] std::string text_attribute(
      const std::string& name) const;  // fixed or variable length, valid UTF-8
  [[nodiscard]] std::vector<std::string> texts_attribute(const std::string& name) const;  // one-dimensional

  // Writes a new attribute, which must not exist yet.
  void write_attribute(const std::string& name, std::int64_t value);
  void write_attribute(const std::string& name, double value);
  void write_attribute(const std::string& name, std::string_view value);
  void write_attribute(const std::string& name, const char* value) {
    write_attribute(name, std::string_view(value));
  }
  void write_attribute(const std::string& name, const std::vector<std::string>& values);

 protected:
  Object(Handle handle, std::shared_ptr<const Origin> file, std::string path)
      : handle_(std::move(handle)), file_(std::move(file)), path_(std::move(path)) {}
  [[nodiscard]] std::int64_t id() const { return handle_.id(); }
  [[nodiscard]] const std::shared_ptr<const Origin>& shared_file() const { return file_; }
  [[nodiscard]] std::string child_path(const std::string& name) const;

 private:
  [[nodiscard]] std::vector<std::string> texts(const std::string& name, bool one) const;
  [[nodiscard]] std::optional<Attribute> find_attribute(const std::string& name) const;
  // Throws InputError where it is missing.
  [[nodiscard]] Attribute attribute(const std::string& name) const;

  Handle handle_;
  std::shared_ptr<const Origin> file_;
  std::string path_;
};

class Dataset : public Object {
 public:
  [[nodiscard]] const Dims& dims() const { return dims_; }
  [[nodiscard]] Element element() const { return element_; }
  // The number of elements. Opening refuses dimensions whose product does not fit.
  [[nodiscard]] std::int64_t size() const { return size_; }
  // The shape of a chunk; empty unless the data set is chunked. Throws InputError for chunks of 4 GiB or
  // more.
  [[nodiscard]] Dims chunk() const;
  // The bytes that the elements take in the file, as stored (perhaps compressed); 0 where space was declared
  // but nothing was ever written. Throws InputError where that is more than the file holds. Time: reads the
  // index of chunks.
  [[nodiscard]] std::int64_t stored_bytes() const;
  // Throws InputError, naming the first missing part, unless every element of `boxes` was written: HDF5 would
  // silently return the fill value, usually 0, for the rest. `axes` names the dimensions for the message:
  // {"head", "row", "key"}. Only a chunked data set can be partly written; a contiguous one counts as written
  // as soon as its space is allocated.
  void require_written(std::span<const Box> boxes, std::span<const std::string_view> axes) const;
  // The byte offset in the file from which the elements lie one after the other in the machine's byte order.
  // Nothing where they do not: chunked, compact, virtual or external storage, the other byte order, or never
  // written.
  [[nodiscard]] std::optional<std::int64_t> plain_offset() const;

  // All elements, converted by HDF5 to T (float, double, or an integer of 8 to 64 bits); integers that do not
  // fit saturate. Throws InputError unless everything was written, and where the data set holds integers (or
  // bfloat16) and T is a floating-point type, or the reverse.
  template <class T>
  [[nodiscard]] std::vector<T> read() const;
  // The elements of `boxes`, which must not overlap, in the order in which the data set holds them.
  // out.size() must be their number. T and errors as above, but it does not check that the elements were
  // written.
  template <class T>
  void read(std::span<const Box> boxes, std::span<T> out) const;
  // The same for 16-bit elements of any type, as bit patterns in the machine's byte order, without
  // conversion. (The library's own conversion of float16 is several hundred times slower than
  // kernels/rows/convert.hpp.)
  void read_raw16(std::span<const Box> boxes, std::span<std::uint16_t> out) const;

  // Writes all elements and flushes, or writes one box. T must match the data set: floating-point or integer.
  template <class T>
  void write(std::span<const T> values);
  template <class T>
  void write(const Box& box, std::span<const T> values);
  // Writes bytes that already have the layout of element(), little-endian, such as float16 and bfloat16.
  void write_raw(const Box& box, std::span<const std::byte> bytes);
  // To be called after the last box: reports errors that the destructor would have to hide.
  void flush();

 private:
  friend class Group;
  friend class ChunkedDataset;
  Dataset(Handle handle, std::shared_ptr<const Origin> file, std::string path);
  [[nodiscard]] Box whole() const { return {Dims(dims_.size(), 0), dims_}; }
  // `elements` must be the total size of the boxes.
  [[nodiscard]] Handle select(std::span<const Box> boxes, std::int64_t elements) const;
  void read_as(std::int64_t memory_type, std::span<const Box> boxes, std::int64_t elements, void* out) const;
  void write_as(std::int64_t memory_type, const Box& box, std::int64_t elements, const void* values);

  Dims dims_;
  Element element_ = Element::other;
  std::int64_t size_ = 0;
};

class Group : public Object {
 public:
  // The names of all links, sorted bytewise.
  [[nodiscard]] std::vector<std::string> links() const;
  [[nodiscard]] bool has(const std::string& name) const;
  // These throw InputError where the object is missing or of another kind. `name` is the name of one link,
  // not a path.
  [[nodiscard]] Group open_group(const std::string& name) const;
  // `chunk_cache`: how many bytes of decoded chunks to keep in memory; 0 for the library's default. It has no
  // effect while another handle holds the data set.
  [[nodiscard]] Dataset open_dataset(const std::string& name, std::int64_t chunk_cache = 0) const;

  Group create_group(const std::string& name);
  // bf16 is written as uint16 with an attribute dtype = "bfloat16".
  Dataset create_dataset(const std::string& name, Element element, const Dims& dims,
                         const Storage& storage = {});

  // Creates and writes a one-dimensional contiguous data set. T: float, double, or an integer of 8 to 64
  // bits.
  template <class T>
  void write_vector(const std::string& name, const std::vector<T>& values);

 private:
  friend class File;
  Group(Handle handle, std::shared_ptr<const Origin> file, std::string path)
      : Object(std::move(handle), std::move(file), std::move(path)) {}
};

class File {
 public:
  // Opens a file for reading. Throws InputError where it is missing, not a regular file, empty, truncated,
  // damaged, held by a writer or not HDF5.
  static File open(const std::filesystem::path& path);
  // Creates or replaces a file. `shown` is its name in messages: give the target's name where `path` is
  // temporary.
  static File create(const std::filesystem::path& path, const std::string& shown);

  // Creates a file in memory. image() returns its bytes, which are those that create() would write.
  static File create_in_memory(const std::string& shown);
  [[nodiscard]] std::string image() const;
  // Opens a file whose content is `bytes`, which are copied. Throws InputError, naming `shown`, unless they
  // are HDF5.
  static File open_image(std::string_view bytes, const std::string& shown);
  // Opens a file that another process may be writing under SWMR (docs/formats.md, "Live dumps"). It shows
  // what the writer flushed before this call; to see later writes, open it again.
  static File open_live(const std::filesystem::path& path);

  [[nodiscard]] Group root() const;
  // Writes everything out, and reports errors that the destructor would have to hide. Handles of objects in
  // the file must be gone.
  void close();

 private:
  File(Handle handle, std::shared_ptr<const Origin> name)
      : handle_(std::move(handle)), name_(std::move(name)) {}
  Handle handle_;
  std::shared_ptr<const Origin> name_;
};

}  // namespace toptheta::hdf5
