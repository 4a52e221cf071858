#include "io/zip_writer.hpp"

#include <zlib.h>

#include "core/error.hpp"

namespace toptheta {

namespace {

// Appends a little-endian number of `bytes` bytes.
void put(std::string& text, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

std::uint64_t crc_of(std::string_view content) {
  return ::crc32_z(0, reinterpret_cast<const unsigned char*>(content.data()), content.size());
}

// The fields that an entry's own header and its entry in the directory have in common.
std::string common_fields(std::string_view name, std::string_view content) {
  std::string fields;
  put(fields, 20, 2);      // version needed to extract
  put(fields, 0x0800, 2);  // names are UTF-8
  put(fields, 0, 2);       // stored
  put(fields, 0, 2);       // time
  put(fields, 0x0021, 2);  // 1980-01-01, the first date that ZIP has
  put(fields, crc_of(content), 4);
  put(fields, content.size(), 4);  // compressed
  put(fields, content.size(), 4);
  put(fields, name.size(), 2);
  put(fields, 0, 2);  // no extra field
  return fields;
}

constexpr std::uint64_t kMostBytes = 0xFFFFFFFF;
constexpr std::uint64_t kMostEntries = 0xFFFF;

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& path) : file_(path) {}

void ZipWriter::add(std::string_view name, std::string_view content) {
  const std::string fields = common_fields(name, content);
  std::string header;
  put(header, 0x04034b50, 4);
  header += fields;
  header += name;

  put(directory_, 0x02014b50, 4);
  put(directory_, 20, 2);  // version made by
  directory_ += fields;
  put(directory_, 0, 2);  // no comment
  put(directory_, 0, 2);  // disk
  put(directory_, 0, 2);  // attributes
  put(directory_, 0, 4);
  put(directory_, size_, 4);
  directory_ += name;

  file_.write(header);
  file_.write(content);
  size_ += header.size() + content.size();
  ++entries_;
}

void ZipWriter::commit() {
  if (size_ + directory_.size() >= kMostBytes || entries_ >= kMostEntries)
    throw UnfinishedError({.where = file_.target().string(),
                           .what = "too large for a ZIP archive",
                           .expected = "less than 4 GiB and 65535 entries",
                           .next = "write single targets with -k, or another format"});
  std::string end;
  put(end, 0x06054b50, 4);
  put(end, 0, 4);  // disks
  put(end, entries_, 2);
  put(end, entries_, 2);
  put(end, directory_.size(), 4);
  put(end, size_, 4);
  put(end, 0, 2);  // no comment
  file_.write(directory_);
  file_.write(end);
  file_.commit();
}

}  // namespace toptheta
