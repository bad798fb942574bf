package io.netpark.bench.own;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OwnTest {

    @ParameterizedTest
    @EnumSource
    void everyRequestIsAnsweredWithoutAKernel(Subject subject) throws Exception {
        Own own = new Own();
        own.server = subject.label();
        own.connections = 3;
        own.open();
        try {
            assertTrue(own.requests(1_000) >= 1_000 * 10); // which it has compared with the answer to one
        } finally {
            own.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"echo", "frame"})
    void nettyAnswersTheSame(String server) throws Exception {
        NettyOwn own = new NettyOwn();
        own.server = server;
        own.connections = 3;
        own.open();
        try {
            for (int i = 0; i < 100; i++) {
                assertTrue(own.request() >= 1024);
            }
        } finally {
            own.close();
        }
    }
}
