package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.DialerProcess;
import io.netpark.bench.run.ListenerProcess;
import io.netpark.bench.run.LoadProcess.Done;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every dialer connects and closes, round after round, and tells of a failure. Nothing is measured. */
@Timeout(120)
class DialersTest {

    private static final Cores ANYWHERE = new Cores(-1, -1);

    @ParameterizedTest
    @EnumSource(Contender.class)
    void dialsAndTellsOfFailures(Contender contender) throws IOException {
        assumeTrue(contender.dials() && contender.absence().isEmpty());
        try (DialerProcess dialer = new DialerProcess(contender, ANYWHERE)) {
            try (ListenerProcess listener = new ListenerProcess(ANYWHERE)) {
                int port = listener.port();
                for (int round = 0; round < 2; round++) {
                    Done done = dialer.dial(port, 600);
                    assertTrue(done.requests() > 0, () -> done.requests() + " dials");
                    assertEquals(done.requests(), done.latencies().getTotalCount());
                }
            }
            assertTrue(dialer.allocated() > 0);
            try (Socket nobody = new Socket()) {
                nobody.bind(new InetSocketAddress("127.0.0.1", 0)); // and does not listen
                BenchFailure failure = assertThrows(BenchFailure.class, () -> dialer.dial(nobody.getLocalPort(), 600));
                assertTrue(failure.getMessage().contains("a dial failed"), failure.getMessage());
            }
        }
    }
}
