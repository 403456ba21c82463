import type { Core, CoreContext } from './core.js';
import { admitNodesRead } from './admission/node-reads.js';
import { createObject } from './verbs/create.js';
import { deleteCollection } from './verbs/delete-collection.js';
import { deleteObject } from './verbs/delete.js';
import { getObject } from './verbs/get.js';
import { listObjects } from './verbs/list.js';
import { patchObject } from './verbs/patch.js';
import { updateObject } from './verbs/update.js';
import { watchObjects } from './verbs/watch.js';
import { allowed } from './allowed.js';
import { selected } from './selection.js';

/** The verbs over one context. Each asks the authorizer first. */
export function createCore(context: CoreContext): Core {
  return {
    get: async (request, target, resourceVersion) => {
      allowed(context, request, 'get', target);
      await admitNodesRead(context, request, 'get', target);
      return getObject(context, target, resourceVersion);
    },
    list: async (request, target, options) => {
      const about = selected(target, options);
      allowed(context, request, 'list', about);
      await admitNodesRead(context, request, 'list', about, options);
      return listObjects(context, target, options);
    },
    watch: async (request, target, options) => {
      const about = selected(target, options);
      allowed(context, request, 'watch', about);
      await admitNodesRead(context, request, 'watch', about, options);
      return watchObjects(context, target, options);
    },
    create: async (request, target, body, options) => {
      allowed(context, request, 'create', target);
      return createObject(context, request, target, body, options);
    },
    update: async (request, target, body, options) => {
      allowed(context, request, 'update', target);
      return updateObject(context, request, target, body, options);
    },
    patch: async (request, target, body, options) => {
      allowed(context, request, 'patch', target);
      return patchObject(context, request, target, body, options);
    },
    delete: async (request, target, options) => {
      allowed(context, request, 'delete', target);
      return deleteObject(context, request, target, options);
    },
    deleteCollection: async (request, target, selectors, options) => {
      allowed(context, request, 'deletecollection', selected(target, selectors));
      return deleteCollection(context, request, target, selectors, options);
    },
  };
}
