// Goal: with certificates nodes talk by TLS to nodes of the same CA and to nobody else; half a configuration is refused.
#include "nodes.hpp"
#include "raw_peer.hpp"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace keyrack::cluster {
namespace {

using testing::HasSubstr;

/// CAF forgets its TLS context when a file is wrong. A node ends then, and nothing else is excused here.
struct leak_of_cafs {
#ifdef __SANITIZE_ADDRESS__
  leak_of_cafs() { __lsan_disable(); }
  ~leak_of_cafs() { __lsan_enable(); }
#else
  leak_of_cafs() {}
#endif
};

template <auto Free>
struct freed {
  void operator()(auto* p) const { Free(p); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<X509_free>>;

// A key, and its certificate by an issuer; without one by itself, as a CA.
struct identity {
  key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr certificate{X509_new()};
  explicit identity(const char* name, const identity* issuer = nullptr) {
    auto* const c = certificate.get();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(c), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(c), 3'600);
    X509_set_pubkey(c, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer == nullptr ? c : issuer->certificate.get()));
    if (issuer == nullptr) {
      std::unique_ptr<X509_EXTENSION, freed<X509_EXTENSION_free>> ca{
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE")};
      X509_add_ext(c, ca.get(), -1);
    }
    X509_sign(c, issuer == nullptr ? key.get() : issuer->key.get(), EVP_sha256());
  }
};

// Of this process; a busy machine makes it longer to get, not more.
std::chrono::microseconds processor_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return std::chrono::seconds{used.ru_utime.tv_sec + used.ru_stime.tv_sec} +
         std::chrono::microseconds{used.ru_utime.tv_usec + used.ru_stime.tv_usec};
}

struct TransportTls : testing::Test {
  std::filesystem::path folder;
  TransportTls() {
    auto name = (std::filesystem::temp_directory_path() / "keyrack-tls-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~TransportTls() override { std::filesystem::remove_all(folder); }

  template <typename Write>
  std::string file(const std::string& name, Write write) {
    const auto path = (folder / name).string();
    std::unique_ptr<FILE, freed<fclose>> out{std::fopen(path.c_str(), "w")};
    write(out.get());
    return path;
  }
  transport_settings settings_of(const std::string& name, const identity& of, const identity& ca) {
    auto s = quick_settings();
    s.certificate = file(name + ".pem", [&](FILE* f) { PEM_write_X509(f, of.certificate.get()); });
    s.key = file(name + ".key",
                 [&](FILE* f) { PEM_write_PrivateKey(f, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    s.ca = file(name + ".ca", [&](FILE* f) { PEM_write_X509(f, ca.certificate.get()); });
    return s;
  }
};

TEST_F(TransportTls, NodesOfOneCaAreLinkedAndAnswerLargeAndSmall) {
  const identity ca{"ca"};
  const identity one{"one", &ca};
  const identity two{"two", &ca};
  node a{1, {}, settings_of("one", one, ca)};
  node b{2, {}, settings_of("two", two, ca)};
  a.net->use_peers({{.incarnation = 2, .address = b.address()}});
  ASSERT_TRUE(a.wait_link(2, link_state::linked));
  EXPECT_EQ(*got(a.ask(2, "what?")), "what?");
  const std::string large(5'000'000, 'x');
  const auto echoed = got(a.ask(2, large));
  EXPECT_TRUE(echoed && *echoed == large);
  b.die();
  EXPECT_TRUE(a.wait_link(2, link_state::refused));
}

TEST_F(TransportTls, NodesOfAnotherCaOrWithoutTlsAreNotLinked) {
  const identity ca{"ca"};
  const identity other_ca{"other"};
  const identity one{"one", &ca};
  const identity stranger{"one", &other_ca};
  node a{1, {}, settings_of("one", one, ca)};
  node b{2, {}, settings_of("stranger", stranger, other_ca)};
  node c{3};
  b.net->use_peers({{.incarnation = 1, .address = a.address()}});
  c.net->use_peers({{.incarnation = 1, .address = a.address()}});
  a.net->use_peers({{.incarnation = 2, .address = b.address()}, {.incarnation = 3, .address = c.address()}});
  EXPECT_TRUE(b.wait_link(1, link_state::lost));
  EXPECT_TRUE(c.wait_link(1, link_state::lost));
  EXPECT_TRUE(a.wait_link(2, link_state::lost));
  EXPECT_TRUE(a.wait_link(3, link_state::lost));
}

// A peer that has accepted and says nothing: its handshake must not be waited for with a processor.
TEST_F(TransportTls, AServerThatDoesNotShakeHandsIsLostAndCostsLittle) {
  const identity ca{"ca"};
  const identity one{"one", &ca};
  auto settings = settings_of("one", one, ca);
  settings.connect_timeout = 1s;
  node a{1, {}, settings};
  raw_server silent;
  const auto before = processor_time();
  a.net->use_peers({{.incarnation = 2, .address = silent.address()}});
  ASSERT_TRUE(a.wait_link(2, link_state::lost));
  EXPECT_LT(processor_time() - before, 200ms) << "in a second of waiting";
}

TEST_F(TransportTls, HalfAConfigurationIsRefused) {
  const identity ca{"ca"};
  const identity one{"one", &ca};
  auto half = settings_of("one", one, ca);
  half.key.clear();
  half.ca.clear();
  caf::actor_system_config config;
  const auto prepared = transport::prepare(config, half);
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error(), HasSubstr("transport.key and transport.ca missing"));
}

TEST_F(TransportTls, FilesThatAreMissingOrNoCertificatesAreRefused) {
  const identity ca{"ca"};
  const identity one{"one", &ca};
  auto missing = settings_of("one", one, ca);
  missing.ca = (folder / "nothing").string();
  caf::actor_system_config config;
  const auto prepared = transport::prepare(config, missing);
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error(), HasSubstr("transport.ca: "));

  auto wrong = settings_of("one", one, ca);
  wrong.certificate = file("wrong.pem", [](FILE* f) { std::fputs("not a certificate\n", f); });
  caf::actor_system_config other;
  ASSERT_TRUE(transport::prepare(other, wrong));
  caf::actor_system system{other};
  metrics counters;
  const leak_of_cafs excused;
  const auto started = transport::start(system, {.settings = wrong, .counters = &counters});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error(), HasSubstr("cannot load certificate"));
}

}  // namespace
}  // namespace keyrack::cluster
