package io.netpark.bench.jmh;

import java.util.concurrent.TimeUnit;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Borrowing and giving back what is idle. A connection is looked at both times: two system calls. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Pools {

    /** A thread's borrower, and a batch of its work. */
    @State(Scope.Thread)
    public static class Mine {
        private static final int BATCH = 1_000;

        private final Borrower borrower = new Borrower();
    }

    /** The coroutine API's. */
    @State(Scope.Benchmark)
    public static class Coroutine {
        private PoolUser user;

        /** Makes it. */
        @Setup
        public void open() {
            user = new PoolUser();
        }

        /** Closes it. */
        @TearDown
        public void close() {
            user.close();
        }
    }

    /** Somebody else's pool, of objects that are nothing. */
    @State(Scope.Benchmark)
    public static class Commons {
        private GenericObjectPool<Object> pool;

        /** Makes it. */
        @Setup
        public void open() {
            pool = new GenericObjectPool<>(new BasePooledObjectFactory<>() {
                @Override
                public Object create() {
                    return new Object();
                }

                @Override
                public PooledObject<Object> wrap(Object object) {
                    return new DefaultPooledObject<>(object);
                }
            });
        }

        /** Closes it. */
        @TearDown
        public void close() {
            pool.close();
        }
    }

    /** The core's pool, from a thread of its own. */
    @Benchmark
    public void core(CorePool pool, Mine mine) {
        mine.borrower.borrowAndGiveBack(pool);
    }

    /** The core's pool, on the loop of its connections. */
    @Benchmark
    @OperationsPerInvocation(Mine.BATCH)
    public void coreOnLoop(CorePool pool, Mine mine) throws Exception {
        mine.borrower.borrowAndGiveBack(pool); // there is one now: the loop must not wait for it
        pool.onLoop(() -> {
            for (int i = 1; i < Mine.BATCH; i++) {
                mine.borrower.borrowAndGiveBack(pool);
            }
        });
    }

    /** The coroutine API's {@code use}, on the loop of its connections. */
    @Benchmark
    @OperationsPerInvocation(PoolUser.BATCH)
    public void use(Coroutine coroutine) {
        coroutine.user.use();
    }

    /** Commons Pool, of plain objects. */
    @Benchmark
    public void commons(Commons commons) throws Exception {
        Object object = commons.pool.borrowObject();
        commons.pool.returnObject(object);
    }
}
