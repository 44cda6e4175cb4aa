/*
 * charset_list: the character sets with one byte a character, for the reader
 * and for the program that makes its tables: name, and iconv's name for it.
 */
#ifndef READER_MAIL_CHARSET_LIST_H
#define READER_MAIL_CHARSET_LIST_H

#define CHARSETS_OF_ONE_BYTE(X)                                                \
	X(WINDOWS_1252, "CP1252")                                              \
	X(WINDOWS_1250, "CP1250")                                              \
	X(WINDOWS_1251, "CP1251")                                              \
	X(WINDOWS_1253, "CP1253")                                              \
	X(WINDOWS_1254, "CP1254")                                              \
	X(WINDOWS_1255, "CP1255")                                              \
	X(WINDOWS_1256, "CP1256")                                              \
	X(WINDOWS_1257, "CP1257")                                              \
	X(WINDOWS_1258, "CP1258")                                              \
	X(WINDOWS_874, "CP874")                                                \
	X(ISO_8859_2, "ISO-8859-2")                                            \
	X(ISO_8859_3, "ISO-8859-3")                                            \
	X(ISO_8859_4, "ISO-8859-4")                                            \
	X(ISO_8859_5, "ISO-8859-5")                                            \
	X(ISO_8859_6, "ISO-8859-6")                                            \
	X(ISO_8859_7, "ISO-8859-7")                                            \
	X(ISO_8859_8, "ISO-8859-8")                                            \
	X(ISO_8859_10, "ISO-8859-10")                                          \
	X(ISO_8859_13, "ISO-8859-13")                                          \
	X(ISO_8859_14, "ISO-8859-14")                                          \
	X(ISO_8859_15, "ISO-8859-15")                                          \
	X(ISO_8859_16, "ISO-8859-16")                                          \
	X(KOI8_R, "KOI8-R")                                                    \
	X(KOI8_U, "KOI8-U")                                                    \
	X(MACINTOSH, "MACINTOSH")                                              \
	X(MAC_CYRILLIC, "MAC-CYRILLIC")                                        \
	X(IBM437, "IBM437")                                                    \
	X(IBM850, "IBM850")                                                    \
	X(IBM852, "IBM852")                                                    \
	X(IBM866, "IBM866")

#define CHARSET_ENUM(name, iconv) CHARSET_##name,

enum charset_one { CHARSETS_OF_ONE_BYTE(CHARSET_ENUM) CHARSET_ONE_MAX };

/* Sizes of the tables of two bytes: leads and trails of each encoding. */
enum {
	GB_LEADS = 126,	 /* 81 to fe */
	GB_TRAILS = 190, /* 40 to 7e, 80 to fe */
	BIG5_LEADS = 126,
	BIG5_TRAILS = 157, /* 40 to 7e, a1 to fe */
	KR_LEADS = 126,
	KR_TRAILS = 190,  /* 41 to fe */
	JIS_LEADS = 60,	  /* 81 to 9f, e0 to fc of Shift_JIS */
	JIS_TRAILS = 188, /* 40 to 7e, 80 to fc */
	JIS_ROW = 94,
};

/* From a pointer into GB18030's four bytes on, code points count up. */
struct charset_range {
	uint32_t pointer;
	uint32_t code; /* 0: means nothing */
};

#endif
