# cmake -DINPUT=... -DOUTPUT=... -DSYMBOL=... -P embed_file.cmake: writes a C header holding INPUT's bytes.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT}.new "static const char ${SYMBOL}[] = {\n${bytes}0x00};\n")
file(RENAME ${OUTPUT}.new ${OUTPUT})
