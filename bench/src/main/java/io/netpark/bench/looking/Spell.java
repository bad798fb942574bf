package io.netpark.bench.looking;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.run.LoadProcess.Done;
import java.util.HashMap;
import java.util.Map;

/**
 * What it was like to look at a loop for a while.
 *
 * @param told by the server, in nanoseconds but for the number of looks
 * @param allocated bytes of the server's process
 * @param echo what requests were like meanwhile
 */
record Spell(Map<String, Long> told, long allocated, Done echo) {

    /** @param answer of a server that has looked: names and numbers */
    static Spell of(String answer, long allocated, Done echo) {
        Map<String, Long> told = new HashMap<>();
        for (String word : answer.split(" ")) {
            int equals = word.indexOf('=');
            if (equals < 0) {
                throw new BenchFailure("not what a look is like: " + answer);
            }
            told.put(word.substring(0, equals), Long.parseLong(word.substring(equals + 1)));
        }
        return new Spell(told, allocated, echo);
    }

    long looks() {
        return number("looks");
    }

    double millis(String name) {
        return number(name) / 1e6;
    }

    private long number(String name) {
        Long number = told.get(name);
        if (number == null) {
            throw new BenchFailure("nobody has said what was " + name);
        }
        return number;
    }

    /** Bytes a look, beside what is allocated in such a time without looks; NaN if there were none. */
    double allocatedByLook(Spell without) {
        double rate = (double) without.allocated / without.echo.nanos();
        return looks() == 0 ? Double.NaN : Math.max(0, allocated - rate * echo.nanos()) / looks();
    }
}
