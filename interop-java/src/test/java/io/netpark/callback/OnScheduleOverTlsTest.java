package io.netpark.callback;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** As {@link OnScheduleTest}, over TLS, of what is about bytes and ends. Both ends of a connection are of this library. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("seeds")
@ExtendWith(OnSchedule.class)
class OnScheduleOverTlsTest {

    /** Each order has a handshake for each connection. */
    static LongStream seeds() {
        return ScheduledRun.seeds().filter(seed -> (seed - 1) % 5 < 2);
    }

    @Parameter
    long seed;

    @BeforeParameterizedClassInvocation
    static void inOrder(long seed) {
        ScheduledRun.use(seed);
        Flavour.use(Flavour.TLS_1_3);
    }

    @AfterParameterizedClassInvocation
    static void asItHappens() {
        Flavour.use(Flavour.PLAIN);
        ScheduledRun.stop();
    }

    @Nested
    class Echo extends EchoTest {}

    @Nested
    class PeerGone extends PeerGoneTest {}

    @Nested
    class EndOfConnection extends EndOfConnectionTest {}

    @Nested
    class Relay extends RelayTest {}
}
