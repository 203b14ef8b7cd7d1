-- What each question is about: the terms of the last message of a user, and a vector of them. Made when a part is stored,
-- by the server alone. A sample is a range of `draw`, which is a hash of the id: reading it costs what the sample is.
-- A question that is told twice, differently, keeps one, whatever came first. They go with the content, by when it was
-- stored: event time may be long past, as in a replay.
CREATE TABLE IF NOT EXISTS prompt_vectors
(
    inference_id String,
    week Date,
    draw UInt64,
    version UInt64,
    terms Array(String),
    vector Array(Int8),
    stored_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY week
ORDER BY (draw, inference_id)
TTL stored_at + INTERVAL 90 DAY;

-- Terms: words of three letters and more, in lower case (spelled out, since not every build has lowerUTF8); of Chinese and
-- Japanese, which have no spaces, pairs of neighbouring signs. At most 127 of the last 1000 characters, so that a
-- coordinate fits into a byte. Plain ASCII, which is most of what is asked, takes the way that costs half.
-- Vector: bit d of a term's hash is a coin, fixed for good, that adds 1 or -1 to coordinate d: a random projection of the
-- set of terms to 64 coordinates (Achlioptas, JCSS 66, 2003). Masked with 0x0101010101010101, eight coins of a hash are the
-- eight bytes of one number, so that a sum of such numbers counts eight coordinates at once.
-- In three steps, since a name of WITH is analysed anew wherever it is used, at each insert, of answers and scores too: with
-- all of them in one SELECT that took the server 0.1 s of CPU an insert, more than twice as much as now.
CREATE MATERIALIZED VIEW IF NOT EXISTS prompt_vectors_of_parts TO prompt_vectors AS
WITH
    arrayMap(term -> sipHash64(term), terms_found) AS hashes,
    [1, 256, 65536, 16777216, 4294967296, 1099511627776, 281474976710656, 72057594037927936] AS bytes
SELECT
    inference_id,
    toMonday(time) AS week,
    sipHash64(inference_id) AS draw,
    sipHash64(prompt) AS version,
    terms_found AS terms,
    arrayFlatten(arrayMap(
        sum -> arrayMap(byte -> toInt8(2 * toInt16(intDiv(sum, byte) % 256) - length(terms_found)), bytes),
        arrayMap(shift -> arraySum(hash -> bitAnd(intDiv(hash, shift), 72340172838076673), hashes), [1, 2, 4, 8, 16, 32, 64, 128]))) AS vector
FROM (
    WITH
        translateUTF8(text, 'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ', 'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþαβγδεζηθικλμνξοπρστυφχψωабвгдеёжзийклмнопрстуфхцчшщъыьэюя') AS folded,
        if(length(text) > lengthUTF8(text),
           arrayConcat(
               arrayFlatten(arrayMap(
                   run -> arrayMap(at -> substringUTF8(run, at, 2), range(1, toUInt32(lengthUTF8(run)))),
                   extractAll(text, '[\\x{3040}-\\x{30ff}\\x{3400}-\\x{9fff}\\x{f900}-\\x{faff}]{2,}'))),
               arrayFilter(word -> NOT match(word, '[\\x{3040}-\\x{30ff}\\x{3400}-\\x{9fff}\\x{f900}-\\x{faff}]'), extractAll(folded, '[\\p{L}\\p{N}]{3,}'))),
           arrayFilter(word -> length(word) > 2, splitByNonAlpha(text))) AS found
    SELECT inference_id, time, prompt, arraySlice(arrayDistinct(found), 1, 127) AS terms_found
    FROM (
        WITH
            JSONExtract(prompt, 'Array(Tuple(role String, parts Array(Tuple(content Nullable(String)))))') AS messages,
            arrayStringConcat(arrayMap(part -> ifNull(part.1, ''), arrayLast(message -> message.1 = 'user', messages).2), ' ') AS said
        SELECT
            inference_id,
            time,
            ifNull(input_messages, assumeNotNull(input)) AS prompt,
            lower(substringUTF8(if(empty(messages), prompt, said), -1000)) AS text
        FROM inference_parts
        WHERE (input_messages IS NOT NULL OR input IS NOT NULL) AND NOT synthetic
    )
)
WHERE notEmpty(terms_found);
