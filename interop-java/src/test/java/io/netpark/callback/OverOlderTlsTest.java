package io.netpark.callback;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** As {@link OverTlsTest}, with TLS 1.2: what does not need a stream that ends while the other goes on. */
class OverOlderTlsTest {

    @BeforeAll
    static void secured() {
        Flavour.use(Flavour.TLS_1_2);
    }

    @AfterAll
    static void plain() {
        Flavour.use(Flavour.PLAIN);
    }

    @Nested
    class CallbackPool extends CallbackPoolTest {

        /** Is about a time that is too short for a handshake on a busy machine. */
        @Override
        void whatABorrowerDoesTooLateTouchesNobody() {}
    }

    @Nested
    class Failures extends FailuresTest {}

    @Nested
    class SendFile extends SendFileTest {}
}
