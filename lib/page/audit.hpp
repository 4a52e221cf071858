// The output of `tt-calibrate audit` (schema "toptheta.audit/1", docs/formats.md), read back.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "page/figure.hpp"

namespace toptheta::page {

struct AuditTarget {
  std::string k{};
  double ratio = kAbsent;  // effective k / k, with a 95% interval if there are several documents
  double low = kAbsent;
  double high = kAbsent;
  double kept = kAbsent;
  double lost_mass = kAbsent;
};

struct AuditHead {
  std::string k{};
  std::string head_k{};
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t rows = 0;        // with n > k
  std::int64_t dense_rows = 0;  // with n <= k, which keep everything
  double mean_kept = kAbsent;
  std::vector<double> quantiles{};  // of the number kept, at kAuditColumns
  double ratio = kAbsent;
  double lost_mass = kAbsent;
};

struct AuditFile {
  std::string table{};
  std::string model{};
  std::int64_t documents = 0;
  bool holds = true;  // whether the requested checks hold
  std::vector<AuditTarget> targets{};
  std::vector<AuditHead> heads{};
  std::string command{};
};

// Throws InputError that names the value.
AuditFile read_audit(const std::filesystem::path& path);

// A sentence "-k 16: ..." for each target, with the share of heads whose rows keep fewer than k.
std::vector<std::string> findings_of(const AuditFile& audit);
Figure audit_figure(const AuditFile& audit);

}  // namespace toptheta::page
