#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/error.hpp"

namespace toptheta {

namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  }
  void update(const void* data, std::size_t bytes) { EVP_DigestUpdate(context_.get(), data, bytes); }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
      constexpr const char* kDigits = "0123456789abcdef";
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

void update_with_file(Sha256& digest, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw InputError(
        {.where = path.string(), .what = "cannot open the file", .next = "check the path and permissions"});
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) throw InputError({.where = path.string(), .what = "reading failed"});
}

}  // namespace

std::string sha256_of_text(std::string_view text) {
  Sha256 digest;
  digest.update(text.data(), text.size());
  return digest.finish();
}

std::string sha256_of_path(const std::filesystem::path& path) {
  Sha256 digest;
  if (!std::filesystem::is_directory(path)) {
    update_with_file(digest, path);
    return digest.finish();
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    digest.update(name.c_str(), name.size() + 1);
    update_with_file(digest, file);
  }
  return digest.finish();
}

}  // namespace toptheta
