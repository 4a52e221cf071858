#include "report/format.hpp"

namespace toptheta {

extern const ReportFormat kTableReport;
extern const ReportFormat kJsonReport;
extern const ReportFormat kCsvReport;
extern const ReportFormat kMarkdownReport;

namespace {
constexpr ResultFormat kFormats[] = {&kTableReport, &kJsonReport, &kCsvReport, &kMarkdownReport};
}  // namespace

std::span<const ResultFormat> result_formats() {
  return kFormats;
}

std::vector<std::string_view> result_format_names() {
  std::vector<std::string_view> names;
  for (const ResultFormat format : kFormats)
    names.push_back(format->name);
  return names;
}

ResultFormat find_result_format(std::string_view name) {
  for (const ResultFormat format : kFormats)
    if (format->name == name) return format;
  return nullptr;
}

ResultFormat table_format() {
  return &kTableReport;
}

ResultFormat result_format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  const ResultFormat format =
      extension.empty() ? nullptr : find_result_format(std::string_view(extension).substr(1));
  return format != nullptr ? format : table_format();
}

}  // namespace toptheta
