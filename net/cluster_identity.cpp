#include "net/cluster_identity.hpp"

#include "net/file.hpp"
#include "net/option_sources.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <memory>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace beckon::net {

namespace {

namespace ssl = boost::asio::ssl;

/// Longest PEM file: a bundle of some hundred CAs.
constexpr std::size_t pem_bytes_max = 1024 * 1024;

template <auto Free>
struct freed {
  void operator()(auto* object) const { Free(object); }
};
using certificate = std::unique_ptr<X509, freed<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using certificates = std::unique_ptr<X509_STORE, freed<X509_STORE_free>>;
using verification = std::unique_ptr<X509_STORE_CTX, freed<X509_STORE_CTX_free>>;
using memory = std::unique_ptr<BIO, freed<BIO_free>>;
using alternative_names = std::unique_ptr<GENERAL_NAMES, freed<GENERAL_NAMES_free>>;

/// What one of the three options names, or what is wrong with it.
struct pem {
  std::string bytes;
  std::optional<option_trouble> trouble;

  memory reader() const {
    return memory(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  }
};

pem read_pem(std::string_view option, const std::string& path) {
  if (path.empty())
    return {{},
            option_trouble{option,
                           "is not given, so that other nodes could not be told from "
                           "anybody else (for trials on this machine: --cluster.insecure)"}};
  auto file = read_small_file(path, pem_bytes_max);
  if (!file)
    return {{},
            option_trouble{option, in_quotes(path) + " cannot be read: " + file.error().message()}};
  return {std::move(file->bytes), {}};
}

/// A passphrase cannot be asked for.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

std::optional<std::string> common_name(X509* of) {
  auto* subject = X509_get_subject_name(of);
  auto at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0)
    return {};
  auto* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
}

/// An expired certificate starts: the operator gets a line in the log of every other node.
bool is_signed(X509* node, const pem& authorities) {
  certificates store(X509_STORE_new());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  auto reader = authorities.reader();
  while (certificate authority{PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr)})
    X509_STORE_add_cert(store.get(), authority.get());
  verification trial(X509_STORE_CTX_new());
  X509_STORE_CTX_init(trial.get(), store.get(), node, nullptr);
  auto good = X509_verify_cert(trial.get()) == 1;
  ERR_clear_error();
  return good;
}

bool is_private(const std::string& path) {
  struct stat about = {};
  constexpr mode_t others = S_IRWXG | S_IRWXO;
  return ::stat(path.c_str(), &about) == 0 && (about.st_mode & others) == 0;
}

} // namespace

std::vector<std::string> names_of(X509* of) {
  std::vector<std::string> names;
  if (auto name = common_name(of))
    names.push_back(*name);
  alternative_names more(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(of, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; more && i < sk_GENERAL_NAME_num(more.get()); ++i) {
    auto* name = sk_GENERAL_NAME_value(more.get(), i);
    if (name->type == GEN_DNS)
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return names;
}

std::optional<option_trouble> check_identity(const cluster_settings& cluster,
                                             std::string_view node) {
  auto cert = read_pem("cluster.cert", cluster.cert);
  auto key = read_pem("cluster.key", cluster.key);
  auto ca = read_pem("cluster.ca", cluster.ca);
  for (const auto* file : {&cert, &key, &ca})
    if (file->trouble)
      return file->trouble;
  if (!is_private(cluster.key))
    return option_trouble{"cluster.key",
                          in_quotes(cluster.key) + " can be read by others: chmod 600"};
  certificate own(PEM_read_bio_X509(cert.reader().get(), nullptr, no_passphrase, nullptr));
  private_key secret(PEM_read_bio_PrivateKey(key.reader().get(), nullptr, no_passphrase, nullptr));
  certificate authority(PEM_read_bio_X509(ca.reader().get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!own)
    return option_trouble{"cluster.cert", in_quotes(cluster.cert) + " is no certificate in PEM"};
  if (!secret)
    return option_trouble{"cluster.key", in_quotes(cluster.key) +
                                             " is no private key in PEM without a passphrase"};
  if (!authority)
    return option_trouble{"cluster.ca", in_quotes(cluster.ca) + " has no certificate in PEM"};
  if (X509_check_private_key(own.get(), secret.get()) != 1) {
    ERR_clear_error();
    return option_trouble{"cluster.key",
                          in_quotes(cluster.key) + " is not the key of --cluster.cert"};
  }
  if (!is_signed(own.get(), ca))
    return option_trouble{"cluster.cert",
                          in_quotes(cluster.cert) + " is not signed by --cluster.ca"};
  auto names = names_of(own.get());
  if (std::find(names.begin(), names.end(), node) == names.end())
    return option_trouble{"cluster.cert", in_quotes(cluster.cert) + " is not of this node, whose " +
                                              "name is " + in_quotes(node)};
  return {};
}

ssl::context make_tls(const cluster_settings& cluster) {
  ssl::context context(ssl::context::tls);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_options(ssl::context::no_compression | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.native_handle(), 0);
  context.load_verify_file(cluster.ca);
  context.use_certificate_chain_file(cluster.cert);
  context.use_private_key_file(cluster.key, ssl::context::pem);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

} // namespace beckon::net
