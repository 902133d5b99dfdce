/** Does a job unless somebody else, perhaps in another process, has done it; who comes meanwhile waits. */
async function once(etcd, name, job) {
  const lock = await etcd.lock(`locks/${name}`);
  try {
    if ((await etcd.get(`done/${name}`)) !== undefined) return false;
    await job();
    await etcd.put(`done/${name}`, new Date().toISOString());
    return true;
  } finally {
    await lock.release();
  }
}

module.exports = { once };
