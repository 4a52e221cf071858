#include "io/hdf5_links.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <vector>

#include "core/error.hpp"
#include "io/hdf5_error.hpp"

namespace toptheta::hdf5 {

namespace {

constexpr std::string_view kOneFile =
    "give the dumps that hold the data, or copy this one into a single file: "
    "h5py.File(IN)[\"/\"] copied with expand_external=True, or h5repack -l CONTI for virtual data sets";

// The target of the last external link that the library was about to follow; empty where there was none. Used
// by one thread only, like the library itself (io/hdf5.hpp).
std::string& refused_link() {
  static std::string link;
  return link;
}

// The library calls this before it follows an external link; a negative answer stops it.
herr_t refuse_link(const char*, const char*, const char* file, const char* object, unsigned*, hid_t, void*) {
  try {
    refused_link() = fmt::format("'{}' in file '{}'", object, file);
  } catch (const std::exception&) {
    refused_link().clear();  // out of memory: the library's own message has to do
  }
  return -1;
}

// A name that read(buffer, size) copies into a buffer; cut where it is too long for a message.
template <class Read>
std::string name_from(const Read& read) {
  std::array<char, 512> text{};
  if (read(text.data(), text.size()) < 0) {
    H5Eclear2(H5E_DEFAULT);
    return "?";
  }
  return text.data();
}

// The files with a virtual data set's sources, each named once, and which of them do not exist.
std::string virtual_files(std::int64_t list, const std::string& where) {
  std::size_t count = 0;
  if (H5Pget_virtual_count(list, &count) < 0) fail_reading(where, "cannot read the virtual layout");
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < count && files.size() <= kNamed; ++i) {
    const std::string file = name_from([&](char* out, std::size_t size) {
      return H5Pget_virtual_filename(list, i, out, size) < 0 ? -1 : 0;
    });
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  std::string text;
  const std::filesystem::path directory =
      std::filesystem::path(where.substr(0, where.find(":/"))).parent_path();
  for (std::size_t i = 0; i < std::min(files.size(), kNamed); ++i) {
    std::error_code ignored;
    const bool missing =
        files[i] != "." && files[i] != "?" && !std::filesystem::exists(directory / files[i], ignored);
    text += fmt::format("{}'{}'{}", text.empty() ? "" : ", ", files[i], missing ? " (no such file)" : "");
  }
  return text.empty() ? "no sources" : text + (files.size() > kNamed ? ", ..." : "");
}

}  // namespace

Handle link_access(std::int64_t kind) {
  Handle list(H5Pcreate(kind), H5Pclose);
  H5Pset_elink_cb(list.id(), refuse_link, nullptr);
  return list;
}

void fail_opening(const std::string& where, std::string_view what) {
  const std::string link = std::exchange(refused_link(), {});
  if (link.empty()) fail_reading(where, what);
  H5Eclear2(H5E_DEFAULT);
  throw InputError({.where = where,
                    .what = "an external link, which is not followed",
                    .expected = "everything in the file itself",
                    .found = "a link to " + link,
                    .next = std::string(kOneFile)});
}

void require_own_storage(std::int64_t dataset, const std::string& where) {
  const Handle list =
      check_reading(H5Dget_create_plist(dataset), H5Pclose, where, "cannot read how it is stored");
  if (H5Pget_layout(list.id()) == H5D_VIRTUAL)
    throw InputError({.where = where,
                      .what = "a virtual data set, whose sources are not read",
                      .expected = "the elements in the file itself",
                      .found = "elements of data sets in " + virtual_files(list.id(), where),
                      .next = std::string(kOneFile)});
  if (H5Pget_external_count(list.id()) <= 0) return;
  const std::string file = name_from([&](char* out, std::size_t size) {
    off_t offset = 0;
    hsize_t bytes = 0;
    return H5Pget_external(list.id(), 0, size - 1, out, &offset, &bytes);
  });
  throw InputError({.where = where,
                    .what = "external raw storage, which is not read",
                    .expected = "the elements in the file itself",
                    .found = fmt::format("elements in file '{}'", file),
                    .next = std::string(kOneFile)});
}

}  // namespace toptheta::hdf5
