package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.ktor.KtorContender;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Engines answer what is asked of them. The generator compares the bytes; the numbers mean nothing. */
@Timeout(600)
class KtorCommandTest {

    /** By its best binding that this JDK has. */
    private static final KtorContender NETPARK =
            KtorContender.NETPARK_FFM.absence().isEmpty() ? KtorContender.NETPARK_FFM : KtorContender.NETPARK_JNA;

    @TempDir
    Path results;

    /** Few of each: a process is started for every engine in every shape. */
    @Test
    void everyEngineIsInEveryTableOfItsShapes() throws Exception {
        List<KtorContender> engines = List.of(KtorContender.NULL, KtorContender.NETTY, NETPARK);
        Tables table = Tables.of("ktor", results, "--no-system-calls", "--shapes", "plaintext-16,https-upload",
                "--servers", labels(engines));
        for (KtorContender engine : engines) {
            assertEquals(2, table.rows(engine.label()), table::toString);
        }
        assertFalse(table.contain("dropped out"), table::toString);
        assertTrue(table.contain("| netty | 3.5"), table::toString);
    }

    @Test
    void theSampleAnswersTheGreetingOnly() throws Exception {
        Tables table = Tables.of("ktor", results, "--no-system-calls", "--shapes", "plaintext-16,json",
                "--servers", labels(List.of(KtorContender.NULL, KtorContender.SAMPLE)));
        assertEquals(1, table.rows(KtorContender.SAMPLE.label()), table::toString);
        assertEquals(2, table.rows(KtorContender.NULL.label()), table::toString);
        assertFalse(table.contain("dropped out"), table::toString);
    }

    @Test
    void theTailIsOfAnOpenLoop() throws Exception {
        Tables table = Tables.of("ktor", results, "--shapes", "tail", "--rate", "200", "--servers",
                labels(List.of(NETPARK, KtorContender.CIO)));
        assertEquals(1, table.rows(NETPARK.label()), table::toString);
        assertEquals(1, table.rows("cio"), table::toString);
    }

    @Test
    void theStartIsThatOfEachWithANetwork() throws Exception {
        Tables table = Tables.of("ktor", results, "--shapes", "start", "--servers", "null,netty,cio");
        assertEquals(0, table.rows("null"), table::toString);
        assertEquals(1, table.rows("netty"), table::toString);
        assertEquals(1, table.rows("cio"), table::toString);
    }

    private static String labels(List<KtorContender> engines) {
        return engines.stream().map(KtorContender::label).collect(Collectors.joining(","));
    }
}
