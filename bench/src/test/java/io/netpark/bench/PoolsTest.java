package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.jmh.CorePool;
import io.netpark.bench.jmh.PoolUser;
import io.netpark.bench.jmh.Pools;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is measured of pools works, and reuses one connection. Nothing is measured. */
@Timeout(60)
class PoolsTest {

    @Test
    void coreLendsOneConnectionAgainAndAgain() throws Exception {
        CorePool pool = new CorePool();
        pool.open();
        Pools pools = new Pools();
        Pools.Mine mine = new Pools.Mine();
        pools.core(pool, mine);
        pools.coreOnLoop(pool, mine);
        pools.coreOnLoop(pool, mine);
        assertTrue(pool.lentOneOnly());
        pool.close();
    }

    @Test
    void coroutinesUseOneConnectionAgainAndAgain() {
        try (PoolUser user = new PoolUser()) {
            user.use();
            user.use();
            assertTrue(user.usedOneOnly());
        }
    }

    @Test
    void theOtherPoolLends() throws Exception {
        Pools.Commons commons = new Pools.Commons();
        commons.open();
        new Pools().commons(commons);
        commons.close();
    }
}
