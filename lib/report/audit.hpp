// The report of an audit, for people and machines.
#pragma once
#include <string>

#include "calibrate/audit.hpp"
#include "core/provenance.hpp"
#include "report/listing.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct AuditReport {
  std::string table{};  // its path
  TableMeta meta{};     // of the table
  Audit audit{};
  AuditCheck check{};
  double precision = 0.03;  // of effective k, for the advice on the number of documents
  Provenance provenance{};
};

// Schema "toptheta.audit/1" (docs/formats.md): a row for each target and head. If `most` > 0, only the `most`
// heads of each target that are farthest from their k.
Listing audit_listing(const AuditReport& report, std::size_t most = 0);

// What the audit suggests, such as how many documents are needed: one sentence each.
std::vector<std::string> advice_of(const AuditReport& report);

// "layer 3, head 2: 1.91 (1.80 to 2.03)".
std::string describe(const AuditedHead& head);
// "1.224 (1.210 to 1.239)", or the value alone.
std::string describe(const RatioEstimate& ratio);

}  // namespace toptheta
