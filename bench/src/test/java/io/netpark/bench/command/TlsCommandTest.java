package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.bench.run.TlsContender;
import io.netpark.bench.tls.EngineKind;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests and handshakes over TLS, and engines alone. */
@Timeout(300)
class TlsCommandTest {

    @TempDir
    Path results;

    @Test
    void whoIsAskedForIsInItsTables() throws Exception {
        assumeTrue(TlsContender.NETTY_OPENSSL.absence().isEmpty(), () -> TlsContender.NETTY_OPENSSL.absence().orElseThrow());
        Tables table = Tables.of("tls", results, "--servers", "nginx,netty-jdk", "--shapes", "100x1KiB,full,page",
                "--no-system-calls");
        assertEquals(3, table.rows("netty-jdk"), table::toString);
        assertEquals(TlsContender.NGINX.absence().isEmpty() ? 2 : 0, table.rows("nginx"), table::toString);
        assertFalse(table.contain("dropped out"), table::toString);
    }

    @Test
    void enginesThatWaitHaveAMemory() throws Exception {
        Tables table = Tables.of("tls", results, "--quick", "--shapes", "engines");
        for (EngineKind kind : EngineKind.values()) {
            assertEquals(kind.absence().isEmpty() ? 1 : 0, table.count("| " + kind.label() + " | TLSv1.3 |"), table::toString);
        }
    }
}
