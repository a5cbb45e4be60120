#include "deploy/demo/words.hpp"

#include <array>

namespace keyrack::demo {
namespace {

using list = std::string_view[];

constexpr list en_streets{"Harbour Street", "Mill Lane",      "Orchard Road", "Station Road",   "Cedar Avenue",
                          "Lantern Street", "Riverside Walk", "Canal Street", "Garden Terrace", "Market Street"};
constexpr list en_houses{"The {}", "{} House", "Hotel {}", "{} Inn", "{} Lodge", "{} Rooms"};
constexpr list en_words{"Copper Kettle", "Grey Heron",  "Paper Lantern", "Lost Anchor", "Blue Thistle",
                        "Velvet Fox",    "Salt Marsh",  "Quiet Owl",     "Amber Tide",  "Nine Willows",
                        "Painted Door",  "Wild Quince", "Tall Clock",    "Second Star"};

constexpr list de_streets{"Bahnhofstrasse", "Lindenstrasse", "Seestrasse",   "Marktgasse", "Gartenweg",
                          "Mühlenweg",      "Brunnengasse",  "Rosenstrasse", "Uferweg",    "Schulstrasse"};
constexpr list de_houses{"Hotel {}", "Gasthof {}", "Pension {}", "Haus {}", "Landhaus {}"};
constexpr list de_words{"Kupferkrug",    "Silberreiher",   "Mohnblick",         "Drei Quitten",
                        "Eulennest",     "Morgentau",      "Zum stillen Fuchs", "Nebelhorn",
                        "Sieben Birken", "Zur blauen Uhr", "Distelfink",        "Goldregen"};

constexpr list fr_streets{"rue des Lilas",      "rue du Moulin",   "avenue de la Gare", "quai des Tanneurs",
                          "rue de la Fontaine", "place du Marché", "rue des Jardins",   "boulevard des Tilleuls",
                          "rue du Port",        "allée des Cèdres"};
constexpr list fr_houses{"Hôtel {}", "Maison {}", "Auberge {}", "Villa {}", "Résidence {}"};
constexpr list fr_words{"du Héron Gris",     "des Trois Figuiers", "de la Lune Rousse", "du Chat Tranquille",
                        "des Quatre Saules", "de l'Horloge Bleue", "du Vieux Cuivre",   "de la Huppe",
                        "des Papillons",     "du Coq Discret",     "de l'Ancre Dorée",  "des Mirabelles"};

constexpr list it_streets{"Via dei Limoni",    "Via del Mulino",  "Corso della Stazione", "Via delle Rose",
                          "Piazza del Pozzo",  "Via dei Tigli",   "Viale del Giardino",   "Via del Mercato",
                          "Via della Fontana", "Vicolo del Gelso"};
constexpr list it_houses{"Albergo {}", "Hotel {}", "Locanda {}", "Pensione {}", "Casa {}"};
constexpr list it_words{"Airone Grigio",  "Tre Melograni", "Luna di Rame",  "Gatto Quieto",
                        "Sette Cipressi", "Ancora Blu",    "Fico d'Oro",    "Civetta Bianca",
                        "Mare Lento",     "Pavone Verde",  "Lanterna Alta", "Due Querce"};

constexpr list es_streets{"Calle del Limonero", "Calle del Molino",  "Avenida de la Estación", "Calle de las Rosas",
                          "Plaza del Pozo",     "Calle del Mercado", "Paseo del Jardín",       "Calle de la Fuente",
                          "Calle del Naranjo",  "Avenida del Puerto"};
constexpr list es_houses{"Hotel {}", "Hostal {}", "Posada {}", "Casa {}", "Hacienda {}"};
constexpr list es_words{"Garza Gris",     "Tres Almendros", "Luna de Cobre", "Gato Quieto",
                        "Siete Cipreses", "Ancla Azul",     "Higuera Vieja", "Lechuza Blanca",
                        "Mar Lento",      "Pavo Verde",     "Farol Alto",    "Dos Encinas"};

constexpr list pt_streets{"Rua dos Limoeiros", "Rua do Moinho",  "Avenida da Estação", "Rua das Rosas",
                          "Largo do Poço",     "Rua do Mercado", "Rua da Fonte",       "Travessa do Jardim",
                          "Rua da Laranjeira", "Rua do Cais"};
constexpr list pt_houses{"Hotel {}", "Pousada {}", "Casa {}", "Solar {}", "Residencial {}"};
constexpr list pt_words{"Garça Cinzenta", "Três Figueiras", "Lua de Cobre",  "Gato Sereno",
                        "Sete Ciprestes", "Âncora Azul",    "Amendoeira",    "Coruja Branca",
                        "Mar Lento",      "Pavão Verde",    "Lanterna Alta", "Dois Carvalhos"};

constexpr list nl_streets{"Molenstraat", "Tuinlaan",    "Havenkade",  "Lindegracht",
                          "Stationsweg", "Rozenstraat", "Marktplein", "Visserskade"};
constexpr list nl_houses{"Hotel {}", "Herberg {}", "Huis {}", "Logement {}"};
constexpr list nl_words{"De Stille Reiger", "De Koperen Ketel", "Het Blauwe Anker", "De Zeven Wilgen",
                        "De Nachtuil",      "De Tinnen Lepel",  "Het Witte Doek",   "De Lange Klok",
                        "De Drie Peren",    "De Gouden Vink"};

constexpr list da_streets{"Havnegade",   "Møllevej",  "Lindegade",    "Rosenvænget",
                          "Stationsvej", "Torvegade", "Strandstræde", "Havevej"};
constexpr list da_houses{"Hotel {}", "Kroen {}", "Pension {}", "Gæstehuset {}"};
constexpr list da_words{"Den Grå Hejre",  "Kobberkedlen", "Det Blå Anker", "Syv Pile",  "Natuglen",
                        "Den Stille Ræv", "Sølvtangen",   "To Ege",        "Havtornen", "Lanternen"};

constexpr list nb_streets{"Havnegata",    "Mølleveien", "Lindegata",  "Roseveien",
                          "Stasjonsgata", "Torggata",   "Strandgata", "Fjellveien"};
constexpr list nb_houses{"Hotell {}", "Gjestehuset {}", "Pensjonat {}", "Vertshuset {}"};
constexpr list nb_words{"Grå Hegre",        "Kobberkjelen", "Blått Anker", "Syv Bjørker", "Nattugla",
                        "Den Stille Reven", "Måkeskjæret",  "To Furuer",   "Multebær",    "Nordlykta"};

constexpr list sv_streets{"Hamngatan",     "Kvarnvägen", "Lindgatan",   "Rosenvägen",
                          "Stationsgatan", "Torggatan",  "Strandvägen", "Trädgårdsgatan"};
constexpr list sv_houses{"Hotell {}", "Värdshuset {}", "Pensionat {}", "Gästhemmet {}"};
constexpr list sv_words{"Grå Hägern",   "Kopparkitteln", "Blå Ankaret", "Sju Björkar", "Nattugglan",
                        "Stilla Räven", "Måsskäret",     "Två Tallar",  "Hjortronet",  "Norrlyktan"};

constexpr list fi_streets{"Satamakatu", "Myllytie", "Lehmuskatu", "Ruusutie",
                          "Asemakatu",  "Torikatu", "Rantatie",   "Puutarhakatu"};
constexpr list fi_houses{"Hotelli {}", "Majatalo {}", "Matkakoti {}"};
constexpr list fi_words{"Harmaa Haikara",  "Kuparipannu", "Sininen Ankkuri", "Seitsemän Koivua", "Yöpöllö",
                        "Hiljainen Kettu", "Lokkiluoto",  "Kaksi Mäntyä",    "Hillasuo",         "Lyhty"};

constexpr list is_streets{"Hafnargata",  "Lindargata", "Rósastígur",  "Strandvegur",
                          "Garðastígur", "Fjallagata", "Kirkjuvegur", "Vitastígur"};
constexpr list is_houses{"Hótel {}", "Gistihús {}", "Gistiheimilið {}"};
constexpr list is_words{"Lóa",  "Hrafn",     "Norðurstjarna", "Birki",       "Fífa",
                        "Spói", "Bláklukka", "Lundey",        "Hverasteinn", "Vitinn"};

constexpr list pl_streets{"ul. Młyńska", "ul. Lipowa",  "ul. Ogrodowa", "ul. Różana",
                          "ul. Portowa", "ul. Rynkowa", "ul. Kolejowa", "ul. Nadrzeczna"};
constexpr list pl_houses{"Hotel {}", "Pensjonat {}", "Zajazd {}", "Willa {}"};
constexpr list pl_words{"Szara Czapla", "Miedziany Kocioł", "Błękitna Kotwica", "Siedem Brzóz",  "Nocna Sowa",
                        "Cichy Lis",    "Złota Pigwa",      "Dwa Dęby",         "Srebrny Dzwon", "Latarnia"};

constexpr list cs_streets{"Mlýnská", "Lipová", "Zahradní", "Růžová", "Nádražní", "Tržní", "Nábřežní", "Studniční"};
constexpr list cs_houses{"Hotel {}", "Penzion {}", "Hostinec {}", "Dům {}"};
constexpr list cs_words{"U Šedé volavky", "U Měděného kotle", "U Modré kotvy", "U Sedmi bříz",       "U Noční sovy",
                        "U Tiché lišky",  "U Zlaté kdoule",   "U Dvou dubů",   "U Stříbrného zvonu", "U Lucerny"};

constexpr list hu_streets{"Malom utca",   "Hárs utca", "Kert utca", "Rózsa utca",
                          "Állomás utca", "Piac tér",  "Part utca", "Forrás utca"};
constexpr list hu_houses{"{} Hotel", "{} Panzió", "{} Fogadó"};
constexpr list hu_words{"Szürke Gém",   "Rézüst",    "Kék Horgony", "Hét Nyír",    "Éji Bagoly",
                        "Csendes Róka", "Aranybirs", "Két Tölgy",   "Ezüstharang", "Lámpás"};

constexpr list el_streets{"Odos Limaniou", "Odos Mylou",  "Odos Kipon", "Odos Triantafyllon",
                          "Odos Stathmou", "Odos Agoras", "Odos Pigis", "Odos Elaion"};
constexpr list el_houses{"Xenodocheio {}", "Hotel {}", "Xenonas {}"};
constexpr list el_words{"Gkrizos Erodios", "Ble Agkyra",   "Epta Kyparissia", "Kouvavagia", "Chalkino Feggari",
                        "Treis Sykies",    "Lefko Fanari", "Dyo Elies",       "Anemi",      "Thymari"};

constexpr list tr_streets{"Liman Caddesi",    "Değirmen Sokak", "Ihlamur Sokak", "Gül Sokak",
                          "İstasyon Caddesi", "Çarşı Caddesi",  "Çeşme Sokak",   "Bahçe Sokak"};
constexpr list tr_houses{"{} Oteli", "{} Pansiyon", "{} Konağı", "{} Evi"};
constexpr list tr_words{"Gri Balıkçıl", "Bakır Fener", "Mavi Çapa", "Yedi Selvi", "Gece Kuşu",
                        "Sessiz Tilki", "Üç İncir",    "İki Meşe",  "Gümüş Çan",  "Kırlangıç"};

constexpr list hr_streets{"Mlinska ulica", "Vrtna ulica",  "Ružina ulica",   "Lučka ulica",
                          "Tržna ulica",   "Lipova ulica", "Zdenačka ulica", "Obalna ulica"};
constexpr list hr_houses{"Hotel {}", "Pansion {}", "Vila {}", "Kuća {}"};
constexpr list hr_words{"Siva Čaplja", "Bakreni Kotao", "Plavo Sidro", "Sedam Čempresa", "Noćna Sova",
                        "Tiha Lisica", "Tri Smokve",    "Dva Hrasta",  "Srebrno Zvono",  "Fenjer"};

constexpr list vi_streets{"Đường Hoa Sen", "Phố Bến Cảng",   "Đường Vườn Hồng", "Phố Chợ Mới",
                          "Đường Cây Đa",  "Phố Giếng Nước", "Đường Bờ Sông",   "Phố Đèn Lồng"};
constexpr list vi_houses{"Khách sạn {}", "Nhà nghỉ {}", "{} Homestay"};
constexpr list vi_words{"Cò Trắng",   "Đèn Giấy",   "Mỏ Neo Xanh", "Bảy Cây Liễu", "Chim Cú",
                        "Trăng Đồng", "Ba Cây Khế", "Sóng Nhỏ",    "Chuông Bạc",   "Mây Trắng"};

constexpr list id_streets{"Jalan Melati",   "Jalan Pelabuhan", "Jalan Kebun Mawar", "Jalan Pasar Baru",
                          "Jalan Beringin", "Jalan Mata Air",  "Jalan Tepi Sungai", "Jalan Cempaka"};
constexpr list id_houses{"Hotel {}", "Penginapan {}", "Wisma {}", "Puri {}"};
constexpr list id_words{"Bangau Abu",  "Lentera Tembaga", "Jangkar Biru", "Tujuh Cemara",  "Burung Hantu",
                        "Bulan Perak", "Tiga Kelapa",     "Ombak Pelan",  "Lonceng Senja", "Awan Putih"};

constexpr list ja_streets{"Minato-dōri", "Sakura-dōri", "Yanagi-chō",   "Ichiba-dōri",
                          "Idogawa-chō", "Momiji-dōri", "Kawabata-chō", "Ume-no-chō"};
constexpr list ja_houses{"Ryokan {}", "Hotel {}", "{} Inn", "{}-sō"};
constexpr list ja_words{"Aosagi",    "Kaminari", "Tsukimizu", "Nanatsuboshi", "Fukurō",
                        "Shizukaze", "Asagiri",  "Futamatsu", "Suzunone",     "Shirakumo"};

constexpr std::string_view number_first = "{number} {street}";
constexpr std::string_view number_last = "{street} {number}";
constexpr std::string_view number_after_comma = "{street}, {number}";

constexpr std::array tongues{
    tongue{"en", number_first, en_streets, en_houses, en_words},
    tongue{"de", number_last, de_streets, de_houses, de_words},
    tongue{"fr", number_first, fr_streets, fr_houses, fr_words},
    tongue{"it", number_last, it_streets, it_houses, it_words},
    tongue{"es", number_after_comma, es_streets, es_houses, es_words},
    tongue{"pt", number_after_comma, pt_streets, pt_houses, pt_words},
    tongue{"nl", number_last, nl_streets, nl_houses, nl_words},
    tongue{"da", number_last, da_streets, da_houses, da_words},
    tongue{"nb", number_last, nb_streets, nb_houses, nb_words},
    tongue{"sv", number_last, sv_streets, sv_houses, sv_words},
    tongue{"fi", number_last, fi_streets, fi_houses, fi_words},
    tongue{"is", number_last, is_streets, is_houses, is_words},
    tongue{"pl", number_last, pl_streets, pl_houses, pl_words},
    tongue{"cs", number_last, cs_streets, cs_houses, cs_words},
    tongue{"hu", "{street} {number}.", hu_streets, hu_houses, hu_words},
    tongue{"el", number_last, el_streets, el_houses, el_words},
    tongue{"tr", "{street} No: {number}", tr_streets, tr_houses, tr_words},
    tongue{"hr", number_last, hr_streets, hr_houses, hr_words},
    tongue{"vi", number_first, vi_streets, vi_houses, vi_words},
    tongue{"id", "{street} No. {number}", id_streets, id_houses, id_words},
    tongue{"ja", number_first, ja_streets, ja_houses, ja_words},
};

constexpr list groups{"Tidewren",  "Mossbell",  "Quillhouse",       "Saltmarten",
                      "Ninepence", "Fernlight", "Oddfellow & Wren", "Marrowbone Quay"};

}  // namespace

const tongue& tongue_of(std::string_view code) {
  for (const auto& known : tongues) {
    if (known.code == code) return known;
  }
  return tongues.front();
}

std::span<const std::string_view> hotel_groups() { return groups; }

}  // namespace keyrack::demo
