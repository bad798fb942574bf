package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.netpark.bench.proxy.ProxyContender;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole of it in small: whoever can take part is in both tables, and who cannot is named. The numbers mean nothing. */
@Timeout(300)
class ProxyCommandTest {

    @TempDir
    Path results;

    @Test
    void everyContenderIsInTheTables() throws Exception {
        Tables tables = Tables.of("proxy", results);
        for (ProxyContender contender : ProxyContender.values()) {
            int rows = contender.absence().isEmpty() ? 2 : 0;
            assertEquals(rows, tables.rows(contender.label()), contender.label());
            assertEquals(rows == 0 ? 1 : 0, tables.count("- " + contender.label() + " is left out: "), contender.label());
        }
        assertFalse(tables.contain("dropped out"), tables::toString);
    }

    @Test
    void whoIsAskedForIsAlone() throws Exception {
        Tables tables = Tables.of("proxy", results, "--servers", "netty-copy");
        assertEquals(2, tables.rows("netty-copy"));
        assertEquals(0, tables.rows("netty-splice"));
        assertEquals(0, tables.count("| netpark-"));
    }
}
