package io.netpark.callback.input;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class LoopMemoryTest {

    private final LoopMemory memory = LoopMemory.ofThread();

    private LoopMemory.Block read(byte what, int count) {
        LoopMemory.Block block = memory.take();
        for (int i = 0; i < count; i++) {
            block.bytes.put(i, what);
        }
        block.filled(count);
        return block;
    }

    private static int countNotZero(LoopMemory.Block block) {
        int found = 0;
        for (int i = 0; i < LoopMemory.BLOCK_SIZE; i++) {
            found += block.bytes.get(i) == 0 ? 0 : 1;
        }
        return found;
    }

    @Test
    void aBlockHoldsNothingButWhatTheLastReadHasFilled() {
        LoopMemory.Block first = read((byte) 'a', 5000);
        memory.giveBack(first, 5000);
        for (int count : new int[] {10, 3000, LoopMemory.BLOCK_SIZE, 1, 1}) {
            LoopMemory.Block block = read((byte) 'b', count);
            assertSame(first, block);
            assertEquals(count, countNotZero(block));
            memory.giveBack(block, count);
        }
    }
}
